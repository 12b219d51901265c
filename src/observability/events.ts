import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Logger } from './logger.ts';

/** What happens in the service that an operator cares about: each event is one function, for its metric and its log line. */
export interface Events {
  readonly registry: Registry;
  recorded(message: { direction: string; type: string }): void;
  batchWritten(batch: { size: number; seconds: number }): void;
  attempted(attempt: {
    messageId: number;
    number: number;
    provider: string;
    outcome: string;
    code: string | null;
    seconds: number;
  }): void;
  /** A provider accepted a message `ms` milliseconds after the message was recorded or due. */
  sent(channel: string, ms: number): void;
  /** Called as long as nothing else is said. */
  providerKnown(provider: string): void;
  breakerChanged(provider: string, state: 'closed' | 'half_open' | 'open'): void;
  /** The first failure of a provider by this code; `forOperator`: messages wait until the operator acts. */
  providerFailing(failure: ProviderFailure & { outcome: string; forOperator: boolean }): void;
  /** The breaker opened; the failure is the last one before that. */
  providerUnavailable(failure: ProviderFailure): void;
  /** Null: the failures before were too few to open the breaker. */
  providerRecovered(recovery: { provider: string; unavailableSeconds: number | null }): void;
  receiptRecorded(receipt: { provider: string; status: string; messageId: number | null }): void;
  /** An authentic webhook was answered with an error, so its message may be lost. */
  webhookRefused(webhook: {
    channel: string;
    provider: string;
    reason: string;
    requestId: string;
    providerMessageId: string | null;
    errors: { path: string; message: string }[];
  }): void;
  failed(what: string, error: unknown): void;
  /** The embedded PostgreSQL has ended by itself. */
  databaseExited(reason: string): void;
  databaseRestarted(): void;
  /** A pooler in transaction mode: whether the server limits statements, and whether there is a way past the pooler. */
  sessionsShared(pooler: { limited: boolean; direct: boolean }): void;
  /** A message will not be sent, or nobody can tell whether it was. */
  gaveUp(message: { channel: string; status: string; code: string; messageId: number }): void;
  deliveriesMeasured(inFlight: number): void;
  /** Has the queue measured whenever the metrics are read. */
  watchQueue(measure: () => Promise<QueueLength[]>): void;
}

export interface ProviderFailure {
  provider: string;
  code: string;
  detail: string;
  httpStatus: number | null;
}

/** So many messages of a channel wait, the oldest for so long since it was accepted or due. */
export interface QueueLength {
  channel: string;
  status: string;
  messages: number;
  oldest_seconds: number;
}

/** The statuses that move a message: labels of a metric, so no other word of a provider becomes one. */
const RECEIPT_STATUSES = new Set(['queued', 'sent', 'delivered', 'undelivered', 'failed']);
const BREAKER_STATES = { closed: 0, half_open: 1, open: 2 };

export function createEvents(logger: Logger): Events {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const recorded = new Counter({
    name: 'messages_recorded_total',
    help: 'Messages stored.',
    labelNames: ['direction', 'type'],
    registers,
  });
  const batches = new Histogram({
    name: 'record_batch_seconds',
    help: 'Time to write one batch of messages.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers,
  });
  const batchSize = new Histogram({
    name: 'record_batch_messages',
    help: 'Messages written by one batch.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const attempts = new Histogram({
    name: 'delivery_attempt_seconds',
    help: 'Time of a delivery attempt, by provider and outcome.',
    labelNames: ['provider', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers,
  });
  const waits = new Histogram({
    name: 'message_time_to_sent_seconds',
    help: 'Time from when a message was accepted, or due, until a provider had taken it.',
    labelNames: ['channel'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 7_200, 86_400],
    registers,
  });
  const givenUp = new Counter({
    name: 'messages_given_up_total',
    help: 'Messages that ended failed or unknown, by the code of their error.',
    labelNames: ['channel', 'status', 'code'],
    registers,
  });
  const breakers = new Gauge({
    name: 'provider_breaker_state',
    help: 'As this worker sees it: 0 the provider is called, 1 it is tried whether it is back, 2 it is away.',
    labelNames: ['provider'],
    registers,
  });
  const receipts = new Counter({
    name: 'delivery_receipts_total',
    help: 'Delivery receipts taken in.',
    labelNames: ['provider', 'status'],
    registers,
  });
  const refusedWebhooks = new Counter({
    name: 'webhooks_refused_total',
    help: 'Authentic webhooks that were answered with an error, by its code.',
    labelNames: ['channel', 'reason'],
    registers,
  });
  const failures = new Counter({
    name: 'internal_failures_total',
    help: 'Failures inside the service, by where they happened.',
    labelNames: ['what'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'deliveries_in_flight',
    help: 'Messages that this process is delivering.',
    registers,
  });

  return {
    registry,
    recorded: (message) => recorded.inc(message),
    batchWritten: ({ size, seconds }) => {
      batches.observe(seconds);
      batchSize.observe(size);
    },
    attempted: ({ provider, outcome, seconds, ...attempt }) => {
      attempts.observe({ provider, outcome }, seconds);
      logger.debug({ provider, outcome, seconds, ...attempt }, 'delivery attempted');
    },
    sent: (channel, ms) => waits.observe({ channel }, ms / 1_000),
    providerKnown: (provider) => breakers.set({ provider }, BREAKER_STATES.closed),
    breakerChanged: (provider, state) => {
      breakers.set({ provider }, BREAKER_STATES[state]);
      logger.debug({ provider, state }, 'provider breaker changed');
    },
    providerFailing: ({ forOperator, ...failure }) => {
      logger[forOperator ? 'error' : 'warn'](failure, 'provider failing');
    },
    providerUnavailable: (failure) => logger.error(failure, 'provider unavailable'),
    providerRecovered: (recovery) => logger.info(recovery, 'provider recovered'),
    receiptRecorded: (receipt) => {
      const status = RECEIPT_STATUSES.has(receipt.status) ? receipt.status : 'other';
      receipts.inc({ provider: receipt.provider, status });
      logger.debug(receipt, 'receipt taken');
    },
    webhookRefused: ({ channel, reason, requestId, ...webhook }) => {
      refusedWebhooks.inc({ channel, reason });
      logger.warn({ channel, reason, request_id: requestId, ...webhook }, 'webhook refused');
    },
    failed: (what, err) => {
      failures.inc({ what });
      logger.error({ err, what }, 'failure');
    },
    databaseExited: (reason) => {
      failures.inc({ what: 'embedded_database' });
      logger.error({ reason }, 'embedded PostgreSQL ended; it is started again');
    },
    databaseRestarted: () => logger.info('embedded PostgreSQL runs again'),
    sessionsShared: ({ limited, direct }) => {
      if (!limited)
        logger.warn('pooler in transaction mode: set statement_timeout for the role, for example to 15s');
      if (!direct)
        logger.warn('pooler in transaction mode without DATABASE_DIRECT_URL: workers poll, without LISTEN');
    },
    gaveUp: ({ channel, status, code, messageId }) => {
      givenUp.inc({ channel, status, code });
      logger.warn({ channel, status, code, messageId }, 'message given up');
    },
    deliveriesMeasured: (deliveries) => inFlight.set(deliveries),
    watchQueue: (measure) => registerQueue(registers, measure),
  };
}

const CHANNELS = ['sms', 'email'];
const PENDING = ['queued', 'sending'];

/** Where the database is away the lengths are left out rather than old. */
function registerQueue(registers: Registry[], measure: () => Promise<QueueLength[]>): void {
  const labelNames = ['channel', 'status'];
  const oldest = new Gauge({
    name: 'queue_oldest_seconds',
    help: 'How long the oldest of them has been waiting since it was accepted, or due.',
    labelNames,
    registers,
  });
  new Gauge({
    name: 'queue_messages',
    help: 'Messages that wait to be sent, or are being sent, in the whole database.',
    labelNames,
    registers,
    async collect() {
      const lengths = await measure().catch(() => null);
      this.reset();
      oldest.reset();
      if (lengths === null) return;
      for (const channel of CHANNELS) {
        for (const status of PENDING) {
          const found = lengths.find((length) => length.channel === channel && length.status === status);
          this.set({ channel, status }, found?.messages ?? 0);
          oldest.set({ channel, status }, found?.oldest_seconds ?? 0);
        }
      }
    },
  });
}

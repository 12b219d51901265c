import type { Registry } from 'prom-client';
import type { ErrorClass } from '../openapi/error-class.ts';
import { createEndpointEvents, type EndpointEvents } from './endpoint-events.ts';
import { type FeedBacklog, registerFeed } from './feed-metrics.ts';
import { createInboxEvents, type InboxEvents } from './inbox-events.ts';
import { createLedgerEvents, type LedgerEvents } from './ledger-events.ts';
import type { Logger } from './logger.ts';
import { createMediaEvents, type MediaEvents } from './media-events.ts';
import { createMetrics, type ProcessName, type QueueLength, registerQueue } from './metrics.ts';
import {
  createErasureEvents,
  createRetentionEvents,
  type ErasureEvents,
  type RetentionEvents,
} from './privacy-events.ts';

/** The events of the service that an operator observes. Each function updates the metrics of its event and logs one line. */
export interface Events
  extends InboxEvents,
    EndpointEvents,
    LedgerEvents,
    MediaEvents,
    RetentionEvents,
    ErasureEvents {
  readonly registry: Registry;
  /** `route` is the path in the contract, null for any other path; `status` is null if the client disconnected early. */
  requestCompleted(request: {
    method: string;
    route: string | null;
    status: number | null;
    seconds: number;
  }): void;
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
  /** A configured provider, whose breaker is closed at first. */
  providerKnown(provider: string): void;
  breakerChanged(provider: string, state: 'closed' | 'half_open' | 'open'): void;
  /** The first failure of a provider with this code. `forOperator`: messages wait until the operator acts. */
  providerFailing(failure: ProviderFailure & { outcome: string; forOperator: boolean }): void;
  /** The breaker opened after this failure. */
  providerUnavailable(failure: ProviderFailure): void;
  /** `unavailableSeconds` is null if the breaker was closed all the time. */
  providerRecovered(recovery: { provider: string; unavailableSeconds: number | null }): void;
  receiptRecorded(receipt: { provider: string; status: string; messageId: number | null }): void;
  /** The message of these receipts is still unknown. `log`: the last line for this provider is old enough. */
  receiptsWithoutMessage(found: { provider: string; receipts: number; log: boolean }): void;
  /** A webhook with a valid signature got an error response, so its message may be lost. */
  webhookRefused(webhook: {
    channel: string;
    provider: string;
    reason: string;
    requestId: string;
    providerMessageId: string | null;
    errors: { path: string; message: string }[];
  }): void;
  failed(what: string, error: unknown): void;
  /** The embedded PostgreSQL exited unexpectedly. */
  databaseExited(reason: string): void;
  databaseRestarted(): void;
  /** The worker process exited unexpectedly. */
  workerExited(reason: string): void;
  /** The worker process claims messages. `restarts`: the number of earlier processes of this service. */
  workerStarted(restarts: number): void;
  /**
   * The database is behind a pooler in transaction mode. `limited`: the role has a `statement_timeout`. `direct`:
   * `DATABASE_DIRECT_URL` is set.
   */
  sessionsShared(pooler: { limited: boolean; direct: boolean }): void;
  /**
   * A message ended as `failed` or `unknown`. The class is a label of metrics; the code is logged only, because providers
   * define codes.
   */
  gaveUp(message: {
    channel: string;
    status: string;
    errorClass: ErrorClass;
    code: string;
    messageId: number;
  }): void;
  deliveriesMeasured(inFlight: number): void;
  /** Measures the queue whenever the metrics are read. */
  watchQueue(measure: () => Promise<QueueLength[]>): void;
  /** Measures the events without a position whenever the metrics are read. */
  watchFeed(measure: () => Promise<FeedBacklog>): void;
}

export interface ProviderFailure {
  provider: string;
  code: string;
  detail: string;
  httpStatus: number | null;
}

/** Receipt statuses that operators watch. Any other status gets the label `other`, so that labels are from a closed set. */
const RECEIPT_STATUSES = new Set([
  ...['queued', 'sent', 'delivered', 'undelivered', 'failed'],
  ...['bounced', 'complained', 'unsubscribed', 'opened', 'clicked'],
]);
/** The methods that are labels of metrics. A client can send any other method. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const BREAKER_STATES = { closed: 0, half_open: 1, open: 2 };

export function createEvents(logger: Logger, process: ProcessName = 'api'): Events {
  const metrics = createMetrics(process);
  return {
    ...createInboxEvents(logger, metrics.registry),
    ...createEndpointEvents(logger, metrics.registry),
    ...createLedgerEvents(logger),
    ...createMediaEvents(logger, metrics.registry),
    ...createRetentionEvents(metrics.registry),
    ...createErasureEvents(logger, metrics.registry),
    registry: metrics.registry,
    requestCompleted: ({ method, route, status, seconds }) => {
      const labels = { method: METHODS.has(method) ? method : 'other', route: route ?? 'other' };
      metrics.requests.observe({ ...labels, status: status ?? 'aborted' }, seconds);
    },
    recorded: (message) => metrics.recorded.inc(message),
    batchWritten: ({ size, seconds }) => {
      metrics.batches.observe(seconds);
      metrics.batchSize.observe(size);
    },
    attempted: ({ provider, outcome, seconds, ...attempt }) => {
      metrics.attempts.observe({ provider, outcome }, seconds);
      logger.debug({ provider, outcome, seconds, ...attempt }, 'delivery attempted');
    },
    sent: (channel, ms) => metrics.waits.observe({ channel }, ms / 1_000),
    providerKnown: (provider) => metrics.breakers.set({ provider }, BREAKER_STATES.closed),
    breakerChanged: (provider, state) => {
      metrics.breakers.set({ provider }, BREAKER_STATES[state]);
      logger.debug({ provider, state }, 'provider breaker changed');
    },
    providerFailing: ({ forOperator, ...failure }) => {
      logger[forOperator ? 'error' : 'warn'](failure, 'provider failing');
    },
    providerUnavailable: (failure) => logger.error(failure, 'provider unavailable'),
    providerRecovered: (recovery) => logger.info(recovery, 'provider recovered'),
    receiptRecorded: (receipt) => {
      const status = RECEIPT_STATUSES.has(receipt.status) ? receipt.status : 'other';
      metrics.receipts.inc({ provider: receipt.provider, status });
      logger.debug(receipt, 'receipt recorded');
    },
    receiptsWithoutMessage: ({ provider, receipts, log }) => {
      metrics.unmatchedReceipts.inc({ provider }, receipts);
      if (log) logger.warn({ provider, receipts }, 'receipts without a message');
    },
    webhookRefused: ({ channel, reason, requestId, ...webhook }) => {
      metrics.refusedWebhooks.inc({ channel, reason });
      logger.warn({ channel, reason, request_id: requestId, ...webhook }, 'webhook refused');
    },
    failed: (what, err) => {
      metrics.failures.inc({ what });
      logger.error({ err, what }, 'failure');
    },
    databaseExited: (reason) => {
      metrics.failures.inc({ what: 'embedded_database' });
      logger.error({ reason }, 'embedded PostgreSQL exited and is restarted');
    },
    databaseRestarted: () => logger.info('embedded PostgreSQL restarted'),
    workerExited: (reason) => {
      metrics.failures.inc({ what: 'worker_process' });
      logger.error({ reason }, 'worker process exited and is restarted');
    },
    workerStarted: (restarts) =>
      logger.info(restarts > 0 ? 'worker process restarted' : 'worker process started'),
    sessionsShared: ({ limited, direct }) => {
      if (!limited)
        logger.warn('pooler in transaction mode: set statement_timeout for the role, for example to 15s');
      if (!direct)
        logger.warn('pooler in transaction mode without DATABASE_DIRECT_URL: workers poll, without LISTEN');
    },
    gaveUp: ({ channel, status, errorClass, code, messageId }) => {
      metrics.givenUp.inc({ channel, status, class: errorClass });
      logger.warn({ channel, status, class: errorClass, code, messageId }, 'message given up');
    },
    deliveriesMeasured: (deliveries) => metrics.inFlight.set(deliveries),
    watchQueue: (measure) => registerQueue(metrics.registry, measure),
    watchFeed: (measure) => registerFeed(metrics.registry, measure),
  };
}

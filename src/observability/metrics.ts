import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { registerMeasured } from './measured-gauges.ts';

/** The pending messages of one channel and status. */
export interface QueueLength {
  channel: string;
  status: string;
  messages: number;
  /** Age of the oldest message, in seconds since it was accepted or due. */
  oldest_seconds: number;
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The work of a process: the label `process` of the metrics about the process itself. */
export type ProcessName = 'api' | 'worker';

/** The metrics of `/metrics`, in a registry of their own. */
export function createMetrics(process: ProcessName) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, labels: { process } });
  const requests = new Histogram({
    name: 'messaging_http_request_seconds',
    help: 'Time of an HTTP request until the end of its response.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 5],
    registers,
  });
  const recorded = new Counter({
    name: 'messaging_messages_recorded_total',
    help: 'Messages stored.',
    labelNames: ['direction', 'type'],
    registers,
  });
  const batches = new Histogram({
    name: 'messaging_record_batch_seconds',
    help: 'Time to write one batch of messages.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers,
  });
  const batchSize = new Histogram({
    name: 'messaging_record_batch_messages',
    help: 'Messages written by one batch.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const attempts = new Histogram({
    name: 'messaging_delivery_attempt_seconds',
    help: 'Time of a delivery attempt, by provider and outcome.',
    labelNames: ['provider', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers,
  });
  const waits = new Histogram({
    name: 'messaging_message_time_to_sent_seconds',
    help: 'Time from the acceptance of a message, or its send_at, until a provider accepted it.',
    labelNames: ['channel'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1_800, 7_200, 86_400],
    registers,
  });
  const givenUp = new Counter({
    name: 'messaging_messages_given_up_total',
    help: 'Messages that ended as failed or unknown, by error class.',
    labelNames: ['channel', 'status', 'class'],
    registers,
  });
  const breakers = new Gauge({
    name: 'messaging_provider_breaker_state',
    help: 'State of the circuit breaker in this worker: 0 closed, 1 half-open, 2 open.',
    labelNames: ['provider'],
    registers,
  });
  const receipts = new Counter({
    name: 'messaging_delivery_receipts_total',
    help: 'Delivery receipts recorded.',
    labelNames: ['provider', 'status'],
    registers,
  });
  const unmatchedReceipts = new Counter({
    name: 'messaging_receipts_without_message_total',
    help: 'Delivery receipts whose message was unknown one minute after their arrival.',
    labelNames: ['provider'],
    registers,
  });
  const refusedWebhooks = new Counter({
    name: 'messaging_webhooks_refused_total',
    help: 'Webhooks with a valid signature that got an error response, by error code.',
    labelNames: ['channel', 'reason'],
    registers,
  });
  const failures = new Counter({
    name: 'messaging_internal_failures_total',
    help: 'Internal failures, by component.',
    labelNames: ['what'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'messaging_deliveries_in_flight',
    help: 'Messages that this process is delivering.',
    registers,
  });

  return {
    registry,
    requests,
    recorded,
    batches,
    batchSize,
    attempts,
    waits,
    givenUp,
    breakers,
    receipts,
    unmatchedReceipts,
    refusedWebhooks,
    failures,
    inFlight,
  };
}

const CHANNELS = ['sms', 'email'];
const PENDING = ['queued', 'sending'];

export function registerQueue(registry: Registry, measure: () => Promise<QueueLength[]>): void {
  const gauge = (name: string, help: string, value: (found: QueueLength) => number) => ({
    ...{ name, help, labelNames: ['channel', 'status'] },
    set: (each: Gauge, lengths: QueueLength[]) => {
      for (const channel of CHANNELS)
        for (const status of PENDING) {
          const found = lengths.find((length) => length.channel === channel && length.status === status);
          each.set({ channel, status }, found ? value(found) : 0);
        }
    },
  });
  registerMeasured(registry, measure, [
    gauge('messaging_queue_messages', 'Pending messages in the database.', ({ messages }) => messages),
    gauge(
      'messaging_queue_oldest_seconds',
      'Age of the oldest pending message, in seconds since it was accepted or due.',
      ({ oldest_seconds }) => oldest_seconds,
    ),
  ]);
}

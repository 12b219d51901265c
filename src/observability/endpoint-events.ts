import type { Registry } from 'prom-client';
import { createEndpointMetrics, type EndpointCounts, registerEndpoints } from './endpoint-metrics.ts';
import type { Logger } from './logger.ts';

/** The delivery of events to endpoints. No line has the content of an event. */
export interface EndpointEvents {
  /** An attempt to deliver an event. `code` is null after a success; it is the label of the metric. */
  endpointAttempted(attempt: {
    endpointId: number;
    eventId: number;
    number: number;
    code: string | null;
    statusCode: number | null;
    seconds: number;
  }): void;
  /** Several events failed without a success in between, or the first event succeeded after that. */
  endpointAvailabilityChanged(endpoint: { endpointId: number; isAvailable: boolean }): void;
  /** The endpoint gets no further events, because it has failed for days or has refused them. */
  endpointDisabled(endpoint: { endpointId: number; reason: string }): void;
  /** Measures the endpoints and their deliveries whenever the metrics are read. */
  watchEndpoints(measure: () => Promise<EndpointCounts>): void;
}

export function createEndpointEvents(logger: Logger, registry: Registry): EndpointEvents {
  const metrics = createEndpointMetrics(registry);
  return {
    endpointAttempted: ({ code, seconds, ...attempt }) => {
      metrics.attempts.observe({ outcome: code ?? 'succeeded' }, seconds);
      logger.debug({ ...attempt, code, seconds }, 'endpoint tried');
    },
    endpointAvailabilityChanged: ({ endpointId, isAvailable }) => {
      if (isAvailable) logger.info({ endpointId }, 'endpoint recovered');
      else logger.warn({ endpointId }, 'endpoint failing');
    },
    endpointDisabled: (endpoint) => {
      metrics.disabled.inc({ reason: endpoint.reason });
      logger.error(endpoint, 'endpoint disabled');
    },
    watchEndpoints: (measure) => registerEndpoints(registry, measure),
  };
}

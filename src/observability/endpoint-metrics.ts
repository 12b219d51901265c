import { Counter, Histogram, type Registry } from 'prom-client';
import { registerMeasured } from './measured-gauges.ts';

/** The endpoints of the service and the deliveries of its enabled endpoints. */
export interface EndpointCounts {
  /** The endpoints by state: `enabled`, or the reason why they are disabled. */
  states: Record<string, number>;
  pending: number;
  /** Age of the oldest pending delivery, in seconds; 0 if there is none. */
  oldest_seconds: number;
  /** The number of events of which an enabled endpoint has no deliveries yet, for the endpoint that is furthest behind. */
  behind: number;
}

const STATES = ['enabled', 'request', 'gone', 'failing'];

export function createEndpointMetrics(registry: Registry) {
  const registers = [registry];
  const attempts = new Histogram({
    name: 'messaging_endpoint_attempt_seconds',
    help: 'Time of an attempt to deliver an event to an endpoint, by outcome: succeeded, or the code of the error.',
    labelNames: ['outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15],
    registers,
  });
  const disabled = new Counter({
    name: 'messaging_endpoints_disabled_total',
    help: 'Endpoints that the service has disabled, by reason.',
    labelNames: ['reason'],
    registers,
  });
  return { attempts, disabled };
}

export function registerEndpoints(registry: Registry, measure: () => Promise<EndpointCounts>): void {
  registerMeasured(registry, measure, [
    {
      name: 'messaging_endpoints',
      help: 'Endpoints by state: enabled, or the reason why they are disabled.',
      labelNames: ['state'],
      set: (gauge, { states }) => {
        for (const state of STATES) gauge.set({ state }, states[state] ?? 0);
      },
    },
    {
      name: 'messaging_endpoint_deliveries_pending',
      help: 'Pending deliveries of events to enabled endpoints.',
      set: (gauge, { pending }) => gauge.set(pending),
    },
    {
      name: 'messaging_endpoint_deliveries_oldest_seconds',
      help: 'Age of the oldest pending delivery to an enabled endpoint, in seconds.',
      set: (gauge, { oldest_seconds }) => gauge.set(oldest_seconds),
    },
    {
      name: 'messaging_endpoint_events_behind',
      help: 'Events of which the enabled endpoint that is furthest behind has no deliveries yet.',
      set: (gauge, { behind }) => gauge.set(behind),
    },
  ]);
}

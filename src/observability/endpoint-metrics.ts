import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

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
  const tries = new Histogram({
    name: 'messaging_endpoint_try_seconds',
    help: 'Time of a try to deliver an event to an endpoint, by outcome: succeeded, or the code of the error.',
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
  return { tries, disabled };
}

/** Measures whenever the metrics are read; without a database, these metrics are left out. */
export function registerEndpoints(registry: Registry, measure: () => Promise<EndpointCounts>): void {
  // Each gauge measures by itself, because the registry reads all gauges at the same time. `measure` shares its result.
  const register = (
    name: string,
    help: string,
    labelNames: string[],
    set: (gauge: Gauge, counts: EndpointCounts) => void,
  ) =>
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      async collect() {
        const counts = await measure().catch(() => null);
        this.reset();
        if (counts) set(this, counts);
      },
    });
  register(
    'messaging_endpoints',
    'Endpoints by state: enabled, or the reason why they are disabled.',
    ['state'],
    (gauge, { states }) => {
      for (const state of STATES) gauge.set({ state }, states[state] ?? 0);
    },
  );
  register(
    'messaging_endpoint_deliveries_pending',
    'Pending deliveries of events to enabled endpoints.',
    [],
    (gauge, { pending }) => gauge.set(pending),
  );
  register(
    'messaging_endpoint_deliveries_oldest_seconds',
    'Age of the oldest pending delivery to an enabled endpoint, in seconds.',
    [],
    (gauge, { oldest_seconds }) => gauge.set(oldest_seconds),
  );
  register(
    'messaging_endpoint_events_behind',
    'Events of which the enabled endpoint that is furthest behind has no deliveries yet.',
    [],
    (gauge, { behind }) => gauge.set(behind),
  );
}

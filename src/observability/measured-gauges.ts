import { Gauge, type Registry } from 'prom-client';

export interface MeasuredGauge<T> {
  name: string;
  help: string;
  labelNames?: string[];
  set: (gauge: Gauge, measured: T) => void;
}

/**
 * Registers gauges that are measured whenever the metrics are read. Without a result, they have no values.
 *
 * @param measure called for each gauge, because the registry reads all gauges at the same time; it shares its result.
 */
export function registerMeasured<T>(
  registry: Registry,
  measure: () => Promise<T>,
  gauges: MeasuredGauge<T>[],
): void {
  for (const { name, help, labelNames = [], set } of gauges)
    new Gauge({
      ...{ name, help, labelNames, registers: [registry] },
      async collect() {
        const measured = await measure().catch(() => null);
        this.reset();
        if (measured !== null) set(this, measured);
        // Without labels, a reset leaves the value 0.
        else if (labelNames.length === 0) this.remove();
      },
    });
}

import { AggregatorRegistry, type Registry } from 'prom-client';

/** The values of all metrics of one process, as plain data. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/**
 * The metrics of this process and of another process in the text format of Prometheus. Values of the same metric with the
 * same labels are added up.
 *
 * @param other empty if there is no other process, or if it did not report its metrics.
 */
export async function mergeMetrics(registry: Registry, other: MetricValues): Promise<string> {
  if (other.length === 0) return registry.metrics();
  const own = await registry.getMetricsAsJSON();
  return AggregatorRegistry.aggregate([own, other].map(withoutOmitted)).metrics();
}

/**
 * prom-client omits metrics for which a sum has no meaning, such as the start time of a process. Here the label `process`
 * keeps the values apart, so that no sum is computed.
 */
function withoutOmitted(values: MetricValues): MetricValues {
  return values.map((metric) =>
    String(metric.aggregator) === 'omit' ? { ...metric, aggregator: 'first' as never } : metric,
  );
}

import { Counter, type Registry } from 'prom-client';
import { registerMeasured } from './measured-gauges.ts';

/** How long the oldest message that a task of the retention has not examined is beyond its age. */
export interface OverdueMessages {
  task: string;
  seconds: number;
}

export interface RetentionEvents {
  /** Contents of messages (`bodies`), messages, or files (`media`) were removed because of their age. */
  retained(task: string, count: number): void;
  /** Measures the overdue messages whenever the metrics are read. */
  watchRetention(measure: () => Promise<OverdueMessages[]>): void;
}

export function createRetentionEvents(registry: Registry): RetentionEvents {
  const removed = new Counter({
    name: 'messaging_retention_removed_total',
    help: 'Contents of messages (bodies), messages, and files (media) that were removed because of their age.',
    labelNames: ['task'],
    registers: [registry],
  });
  return {
    retained: (task, count) => removed.inc({ task }, count),
    watchRetention: (measure) =>
      registerMeasured(registry, measure, [
        {
          name: 'messaging_retention_overdue_seconds',
          help: 'How long the oldest message that a task of the retention has not examined is beyond its age; 0 if none is.',
          labelNames: ['task'],
          set: (gauge, measured) => {
            for (const { task, seconds } of measured) gauge.set({ task }, seconds);
          },
        },
      ]),
  };
}

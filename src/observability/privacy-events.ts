import { Counter, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';
import { registerMeasured } from './measured-gauges.ts';

/** The erasures that are not completed. */
export interface RunningErasures {
  erasures: number;
  /** The age of the oldest, in seconds since its request; 0 without one. */
  oldest_seconds: number;
}

/** The erasures of people. No line has an address. */
export interface ErasureEvents {
  /** Nothing of the participants is left. `counts`: what was erased, by kind. */
  erasureCompleted(erasure: {
    erasure: number;
    participants: number;
    actor: string | null;
    counts: Readonly<Record<string, number>>;
  }): void;
  /** Measures the running erasures whenever the metrics are read. */
  watchErasures(measure: () => Promise<RunningErasures>): void;
}

export function createErasureEvents(logger: Logger, registry: Registry): ErasureEvents {
  const completed = new Counter({
    name: 'messaging_erasures_completed_total',
    help: 'Completed erasures of people.',
    registers: [registry],
  });
  return {
    erasureCompleted: (erasure) => {
      completed.inc();
      logger.info(erasure, 'erasure completed');
    },
    watchErasures: (measure) =>
      registerMeasured(registry, measure, [
        {
          name: 'messaging_erasures_running',
          help: 'Erasures of people that are not completed.',
          set: (gauge, { erasures }) => gauge.set(erasures),
        },
        {
          name: 'messaging_erasures_oldest_running_seconds',
          help: 'Age of the oldest erasure that is not completed; 0 without one.',
          set: (gauge, { oldest_seconds }) => gauge.set(oldest_seconds),
        },
      ]),
  };
}

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

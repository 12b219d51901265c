import { Counter, Histogram, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';
import { registerMeasured } from './measured-gauges.ts';

/** The files of inbound messages that are to be fetched. */
export interface PendingMedia {
  files: number;
  /** Age of the oldest file, in seconds since its message was recorded. */
  oldest_seconds: number;
  /** Disk space of the content of all files. */
  disk_bytes: number;
}

/** The fetching of the files of inbound messages. No line has a URL or the content of a file. */
export interface MediaEvents {
  mediaStored(attempt: MediaAttempt & { size: number }): void;
  /** The attempt failed, and another attempt follows. */
  mediaPostponed(attempt: FailedAttempt): void;
  /** The file cannot be fetched, and is not tried again. */
  mediaFailed(attempt: FailedAttempt): void;
  /** Measures the files to fetch whenever the metrics are read. */
  watchMedia(measure: () => Promise<PendingMedia>): void;
}

interface MediaAttempt {
  mediaId: number;
  account: string;
  /** The number of the attempt. */
  number: number;
  seconds: number;
}

interface FailedAttempt extends MediaAttempt {
  /** A `MediaErrorCode`; it is the label of the metric. */
  code: string;
  detail: string;
}

export function createMediaEvents(logger: Logger, registry: Registry): MediaEvents {
  const metrics = createMetrics(registry);
  return {
    mediaStored: ({ seconds, size, ...attempt }) => {
      metrics.attempts.observe({ outcome: 'stored' }, seconds);
      metrics.bytes.inc(size);
      logger.debug({ ...attempt, size, seconds }, 'media stored');
    },
    mediaPostponed: ({ seconds, code, ...attempt }) => {
      metrics.attempts.observe({ outcome: code }, seconds);
      logger.debug({ ...attempt, code, seconds }, 'media fetch failed, another attempt follows');
    },
    mediaFailed: ({ seconds, code, ...attempt }) => {
      metrics.attempts.observe({ outcome: code }, seconds);
      metrics.failed.inc({ code });
      logger.warn({ ...attempt, code, seconds }, 'media failed');
    },
    watchMedia: (measure) => registerPending(registry, measure),
  };
}

function createMetrics(registry: Registry) {
  const registers = [registry];
  const attempts = new Histogram({
    name: 'messaging_media_fetch_seconds',
    help: 'Duration of attempts to fetch a file of an inbound message: stored, or the code of the error.',
    labelNames: ['outcome'],
    buckets: [0.1, 0.5, 2, 10, 60, 180],
    registers,
  });
  const bytes = new Counter({
    name: 'messaging_media_fetched_bytes_total',
    help: 'Bytes of stored files of inbound messages.',
    registers,
  });
  const failed = new Counter({
    name: 'messaging_media_failed_total',
    help: 'Files of inbound messages that could not be fetched and are not tried again, by the code of the error.',
    labelNames: ['code'],
    registers,
  });
  return { attempts, bytes, failed };
}

function registerPending(registry: Registry, measure: () => Promise<PendingMedia>): void {
  registerMeasured(registry, measure, [
    {
      name: 'messaging_media_pending_files',
      help: 'Files of inbound messages that are to be fetched, counted up to 20,000.',
      set: (gauge, { files }) => gauge.set(files),
    },
    {
      name: 'messaging_media_oldest_pending_seconds',
      help: 'Age of the oldest file that is to be fetched, in seconds since its message was recorded; 0 without one.',
      set: (gauge, { oldest_seconds }) => gauge.set(oldest_seconds),
    },
    {
      name: 'messaging_media_disk_bytes',
      help: 'Disk space of the content of all files, in the table media_chunks.',
      set: (gauge, { disk_bytes }) => gauge.set(disk_bytes),
    },
  ]);
}

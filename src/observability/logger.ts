import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output. Message bodies, keys and secrets are never handed to it. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}

import { type Logger, pino } from 'pino';

export type { Logger };

/** PostgreSQL quotes rows in these fields of an error, and so the messages in them. */
const QUOTES = ['detail', 'where', 'internalQuery'];
const errors = ['err', 'err.cause', 'err.nativeError', 'err.cause.nativeError'];

/** JSON lines on standard output. Message bodies, keys and secrets are never handed to it. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: errors.flatMap((error) => QUOTES.map((field) => `${error}.${field}`)),
  });
}

import type { ConnectionError } from './errors.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** The details of a log entry. They never contain headers, bodies, queries or the API key. */
export interface LogDetails {
  method: string;
  /** The path of the request without its query. */
  path: string;
  /** The number of retries so far. */
  retries: number;
  /** Milliseconds since the start of the call. */
  durationMs: number;
  /** The status of the response, if there is one. */
  status?: number;
  /** Identifies the request in the logs of the service. */
  requestId?: string | null;
  /** The code of the error without a response. */
  code?: string;
}

/** `console`, or the logger of a library. The message has the most important details, because some loggers drop `details`. */
export type Logger = { [Level in LogLevel]: (message: string, details: LogDetails) => void };

export interface LogOptions {
  logger: Logger | undefined;
  logLevel: LogLevel | 'off';
}

/** `off` is before the first. */
const LEVELS: (LogLevel | 'off')[] = ['error', 'warn', 'info', 'debug'];

/** A response, an error, or another state of a call with a message. */
type Outcome = Partial<Response & ConnectionError>;

/** Writes an entry about the current state of one call. */
export type Log = (level: LogLevel, retries: number, outcome: Outcome, suffix?: string) => void;

/** An error of the logger must not fail a call, because the caller would repeat a request that had its effect. */
export function logOf({ method, url }: Request, { logger, logLevel }: LogOptions): Log {
  const { pathname: path } = new URL(url);
  const start = Date.now();
  return (level, retries, { status, headers, code, message = `status ${status}` }, suffix = '') => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(logLevel)) return;
    const durationMs = Date.now() - start;
    const result = headers ? { status, requestId: headers.get('x-request-id') } : code && { code };
    try {
      logger?.[level](`${method} ${path}: ${message}${suffix}`, {
        method,
        path,
        retries,
        durationMs,
        ...result,
      } as LogDetails);
    } catch {}
  };
}

import { ConnectionError } from './errors.ts';

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

const LEVELS: (LogLevel | 'off')[] = ['off', 'error', 'warn', 'info', 'debug'];

/** Writes an entry about the current state of one call. */
export type Log = (level: LogLevel, text: string, retries: number, outcome?: unknown) => void;

/** An error of the logger must not fail a call, because the caller would repeat a request that had its effect. */
export function logOf({ method, url }: Request, { logger, logLevel }: LogOptions): Log {
  const { pathname: path } = new URL(url);
  const start = performance.now();
  return (level, text, retries, outcome) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(logLevel)) return;
    const durationMs = Math.round(performance.now() - start);
    const details = { method, path, retries, durationMs, ...detailsOf(outcome) };
    try {
      logger?.[level](`${method} ${path}: ${text}`, details);
    } catch {}
  };
}

function detailsOf(outcome: unknown) {
  if (outcome instanceof ConnectionError) return { code: outcome.code };
  if (outcome instanceof Response)
    return { status: outcome.status, requestId: outcome.headers.get('x-request-id') };
  return {};
}

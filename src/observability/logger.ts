import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * The fields of an error that are logged. Other fields may contain messages or secrets: PostgreSQL quotes rows in `detail`
 * and `where`, and drivers attach connections with their passwords.
 */
const FIELDS = [
  'code',
  'severity',
  'routine',
  'table',
  'column',
  'constraint',
  'syscall',
  'address',
  'port',
  'path',
  'status',
] as const;
const MAX_CAUSES = 4;

interface LoggedError {
  type: string;
  message: string;
  stack?: string | undefined;
  cause?: unknown;
  [field: string]: unknown;
}

/** Creates a logger that writes JSON lines to standard output. Callers never log message bodies, keys or secrets. */
export function createLogger(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => describe(error) },
  };
  return pino(options, standardOutput());
}

/**
 * Standard output. After its terminal was closed (EIO), it gets no more lines: pino would try to write them again without end
 * when the process exits, so that the process would never end.
 */
function standardOutput(): pino.DestinationStream {
  const output = pino.destination({ dest: 1, sync: true });
  const ignore = () => true;
  output.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EIO')
      Object.assign(output, { write: ignore, flush: ignore, flushSync: ignore, end: ignore });
  });
  return output;
}

/** An error and its causes. An error of Objection has the error of the driver as its `nativeError`. */
function describe(error: unknown, depth = 0): LoggedError | string {
  if (!(error instanceof Error)) return typeof error;
  const fields = error as Error & { nativeError?: unknown } & Record<string, unknown>;
  const cause = fields.cause ?? fields.nativeError;
  return {
    type: error.constructor.name,
    message: error.message,
    ...Object.fromEntries(
      FIELDS.filter((field) => isScalar(fields[field])).map((field) => [field, fields[field]]),
    ),
    stack: error.stack,
    ...(cause !== undefined && depth < MAX_CAUSES && { cause: describe(cause, depth + 1) }),
  };
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

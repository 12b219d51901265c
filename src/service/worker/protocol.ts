import type { KeyedConfig } from '../../config/config.ts';
import type { Sessions } from '../../db/start/pooler.ts';
import type { AccountHealth } from '../../delivery/accounts/health.ts';
import type { MetricValues } from '../../observability/merge-metrics.ts';

/** The settings of the worker process: plain data, because they are sent to another process. */
export interface WorkerSettings {
  config: KeyedConfig;
  databaseUrl: string;
  /** The URL of the same database without a connection pooler, for LISTEN. */
  directUrl: string;
  sessions: Sessions;
  /** The number of database connections, without the connection for LISTEN. */
  poolSize: number;
  /** Whether the next service on this database will assume that no other worker runs. */
  exclusive: boolean;
}

/** A message to the worker process. The first message is `start`. */
export type Command =
  | { type: 'start'; settings: WorkerSettings }
  | { type: 'wake' }
  | { type: 'report'; id: number; subject: keyof Reports }
  | { type: 'stop' };

/** The state of the worker process that the service presents. */
export interface Reports {
  accounts: AccountHealth[];
  metrics: MetricValues;
}

/** A message from the worker process. */
export type Notice =
  /** The worker claims messages. */
  | { type: 'started' }
  /** A statement failed because a stored function is missing. */
  | { type: 'function_missing' }
  | { type: 'report'; id: number; content: Report };

export type Report = Reports[keyof Reports];

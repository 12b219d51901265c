import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Channel } from '../../channel.ts';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import type { Events } from '../../observability/events.ts';
import { presentError, type StoredError } from '../../openapi/error-class.ts';

/** The part of an account that its events have. */
export interface ReportedAccount {
  name: string;
  channel: Channel;
}

/** Receives the states of the accounts. No call waits for the database. */
export interface StateReporter {
  /** @param error the reason why the account is unavailable; null if it is available again. */
  changed(account: ReportedAccount, error: StoredError | null): void;
  /** The account accepted a message and was available before. */
  confirmed(account: ReportedAccount): void;
}

interface Report {
  account: ReportedAccount;
  error: StoredError | null;
  confirms: boolean;
}

const RETRY_MS = 1_000;
/** Min time between two confirmations of an account. */
const CONFIRM_EVERY_MS = 60_000;

const RECORD = {
  name: 'record-provider-state',
  text: `select ${storedFunction('record_provider_state')}($1, $2, $3, $4)`,
};

/**
 * Writes the events of accounts that become unavailable or recover, in the background. At most the last state of each account
 * waits, so that an outage of the database needs no memory.
 */
export class ProviderStates implements StateReporter {
  readonly #pool: pg.Pool;
  readonly #events: Events;
  readonly #onWritten: () => void;
  readonly #waiting = new Map<string, Report>();
  readonly #confirmedAt = new Map<string, number>();
  readonly #stopping = new AbortController();
  #writing: Promise<void> | null = null;

  /** @param onWritten called after the commit of an event. */
  constructor(pool: pg.Pool, events: Events, onWritten: () => void = () => undefined) {
    this.#pool = pool;
    this.#events = events;
    this.#onWritten = onWritten;
  }

  changed(account: ReportedAccount, error: StoredError | null): void {
    this.#report({ account, error, confirms: false });
  }

  /** A worker that reported an unavailable account can end before the account recovers. */
  confirmed(account: ReportedAccount): void {
    const now = performance.now();
    const last = this.#confirmedAt.get(account.name) ?? Number.NEGATIVE_INFINITY;
    if (now - last < CONFIRM_EVERY_MS || this.#waiting.has(account.name)) return;
    this.#confirmedAt.set(account.name, now);
    this.#report({ account, error: null, confirms: true });
  }

  /** Resolves when all states are written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /** Resolves when no statement runs. States that are not written yet are dropped. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
  }

  #report(report: Report): void {
    this.#waiting.set(report.account.name, report);
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#waiting.size > 0 && !signal.aborted) {
      await this.#writeAll().catch((error) => {
        this.#events.failed('provider_state', error);
        return sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      });
    }
    this.#writing = null;
  }

  async #writeAll(): Promise<void> {
    for (const [name, report] of this.#waiting) {
      await this.#record(report);
      if (this.#waiting.get(name) === report) this.#waiting.delete(name);
    }
  }

  async #record({ account: { name, channel }, error, confirms }: Report): Promise<void> {
    const state = JSON.stringify({ name, channel, error: presentError(error) });
    const { rows } = await execute<{ record_provider_state: boolean }>(this.#pool, RECORD, [
      ...[name, error === null, confirms, state],
    ]);
    if (rows[0]?.record_provider_state) this.#onWritten();
  }
}

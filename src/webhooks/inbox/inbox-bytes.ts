import type pg from 'pg';
import { shareRunning } from '../../db/batch/share-running.ts';
import { execute } from '../../db/transaction.ts';

/** How long a measurement is used. Each process measures, and adds what it stores itself meanwhile. */
const REUSE_MS = 5_000;

/** The length of a body that is stored outside its row is known without reading the body. */
const SUM = {
  name: 'sum-inbox',
  text: `
    select coalesce(sum(coalesce(object_bytes, octet_length(body))), 0)::float8 as bytes
    from webhook_inbox where account = $1`,
};

interface Measured {
  sum: () => Promise<number>;
  /** The bytes that were stored since the last measurement. */
  added: number;
}

/**
 * The bytes of the stored webhooks of each account, by a measurement at most every `REUSE_MS` and not for each webhook. Several
 * processes can exceed a limit by what they store in this time.
 */
export class InboxBytes {
  readonly #pool: pg.Pool;
  readonly #accounts = new Map<string, Measured>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async of(account: string): Promise<number> {
    const measured = this.#measured(account);
    try {
      return (await measured.sum()) + measured.added;
    } catch (error) {
      // The next webhook measures again.
      this.#accounts.delete(account);
      throw error;
    }
  }

  add(account: string, bytes: number): void {
    this.#measured(account).added += bytes;
  }

  #measured(account: string): Measured {
    const known = this.#accounts.get(account);
    if (known) return known;
    const measured: Measured = { added: 0, sum: shareRunning(() => this.#sum(account), REUSE_MS) };
    this.#accounts.set(account, measured);
    return measured;
  }

  async #sum(account: string): Promise<number> {
    this.#measured(account).added = 0;
    const { rows } = await execute<{ bytes: number }>(this.#pool, SUM, [account]);
    return rows[0]?.bytes ?? 0;
  }
}

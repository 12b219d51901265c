import type pg from 'pg';
import { storedFunction } from '../../../db/functions.ts';
import { execute } from '../../../db/transaction.ts';

/** Max deliveries of one transaction, which may exceed the number by the deliveries of one endpoint. */
const BATCH = 500;
const BATCH_OF_ENDPOINT = 200;
/** Max pending deliveries of an endpoint; further events wait in the feed. */
const MAX_PENDING = 10_000;
/** The pause of an endpoint with `MAX_PENDING` deliveries, because they must be counted again. */
const FULL_MS = 1_000;

const DISPATCH = {
  name: 'dispatch-events',
  text: `select * from ${storedFunction('dispatch_events')}($1, ${BATCH}, ${BATCH_OF_ENDPOINT}, ${MAX_PENDING}, $2)`,
};

export interface Dispatched {
  /** Whether an endpoint is enabled. */
  isUsed: boolean;
  /** Whether endpoints remain behind the feed. */
  isBehind: boolean;
}

interface Row {
  is_used: boolean;
  is_behind: boolean;
  last_id: number | null;
  /** The driver leaves the elements of arrays as text. */
  full_ids: string[];
}

/** Makes the deliveries of new events. Any number of processes dispatch, each endpoint in one of them at a time. */
export class Dispatcher {
  readonly #pool: pg.Pool;
  /** The next call begins after this endpoint. */
  #afterId = 0;
  /** The end of the pause of each endpoint that is full, in milliseconds since 1970. */
  readonly #full = new Map<number, number>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Makes the next deliveries of some endpoints. */
  async dispatch(): Promise<Dispatched> {
    const now = Date.now();
    for (const [id, until] of this.#full) if (until <= now) this.#full.delete(id);
    const { rows } = await execute<Row>(this.#pool, DISPATCH, [this.#afterId, [...this.#full.keys()]]);
    const { is_used, is_behind, last_id, full_ids } = rows[0] as Row;
    this.#afterId = last_id ?? 0;
    for (const id of full_ids) this.#full.set(Number(id), now + FULL_MS);
    return { isUsed: is_used, isBehind: is_behind };
  }
}

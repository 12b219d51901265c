import type pg from 'pg';
import type { HashAddress } from '../../consent/key.ts';
import { storedFunction } from '../../db/functions.ts';
import type { Erasure } from '../../db/models/erasure.ts';
import { execute } from '../../db/transaction.ts';
import { removeErasedObjects } from '../../media/erased-objects.ts';
import type { MediaStore } from '../../media/store.ts';
import type { Events } from '../../observability/events.ts';
import { unicodeSpelling } from '../mentions.ts';
import type { ErasureState } from './state.ts';
import { eraseWebhooks } from './webhooks.ts';

/** The messages, events or receipts of one step. */
const ROWS_PER_STEP = 250;
const EVERY_MS = 1_000;

const ADDRESSES = {
  name: 'find-erased-addresses',
  text: `select coalesce(addresses, '{}') as addresses from erasures where id = $1`,
};
const CONTINUE = {
  name: 'continue-erasure',
  text: `select ${storedFunction('continue_erasure')}($1, $2, $3, ${ROWS_PER_STEP}) as state`,
};
const COMPLETE = {
  name: 'complete-erasure',
  text: `select actor, participant_ids, counts from ${storedFunction('complete_erasure')}($1) where id is not null`,
};
const FIND_RUNNING = {
  name: 'find-running-erasures',
  text: `select id from erasures where state = 'running' order by id limit 100`,
};

export interface ErasureStepsOptions {
  pool: pg.Pool;
  store: MediaStore;
  hashAddress: HashAddress;
  events: Events;
  /** Called after the commit of an event. */
  onEvent: () => void;
}

/**
 * The steps of erasures, each in a short transaction that also stores how far the erasure is, so that every process can continue
 * after the end of another. Several processes may run; one of them does a step of an erasure at a time.
 */
export class ErasureSteps {
  readonly #options: ErasureStepsOptions;

  constructor(options: ErasureStepsOptions) {
    this.#options = options;
  }

  /** Does the next step of an erasure. */
  async next(id: number): Promise<ErasureState> {
    const { pool, store, hashAddress } = this.#options;
    const addresses = await this.#addressesOf(id);
    const hashes = addresses.map((address) => Buffer.from(hashAddress(address), 'hex'));
    const { rows } = await execute<{ state: ErasureState | 'webhooks' | 'files' | null }>(pool, CONTINUE, [
      ...[id, hashes, addresses.map(unicodeSpelling)],
    ]);
    const state = rows[0]?.state ?? 'waits';
    if (state === 'webhooks') return eraseWebhooks(pool, store, id, addresses);
    return state === 'files' ? this.#finish(id) : state;
  }

  /** A background task that continues erasures which no request waits for. */
  task() {
    return { everyMs: EVERY_MS, step: () => this.#continueAll() };
  }

  /** @returns whether an erasure can be continued at once. */
  async #continueAll(): Promise<boolean> {
    const { rows } = await execute<{ id: number }>(this.#options.pool, FIND_RUNNING, []);
    let remains = false;
    for (const { id } of rows) remains = (await this.next(id)) === 'running' || remains;
    return remains;
  }

  async #addressesOf(id: number): Promise<string[]> {
    const { rows } = await execute<{ addresses: string[] }>(this.#options.pool, ADDRESSES, [id]);
    return rows[0]?.addresses ?? [];
  }

  /** The last step: the content of files. */
  async #finish(id: number): Promise<ErasureState> {
    const { pool, store, events, onEvent } = this.#options;
    while (await removeErasedObjects(pool, store));
    const { rows } = await execute<Pick<Erasure, 'actor' | 'participant_ids' | 'counts'>>(pool, COMPLETE, [
      id,
    ]);
    for (const { actor, participant_ids, counts } of rows)
      events.erasureCompleted({ erasure: id, participants: participant_ids.length, actor, counts });
    onEvent();
    return 'completed';
  }
}

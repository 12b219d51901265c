import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import pLimit from 'p-limit';
import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import { Erasure } from '../../db/models/erasure.ts';
import { execute } from '../../db/transaction.ts';
import { ConflictError, NotFoundError, UnavailableError } from '../../errors.ts';
import { Cursors, DEFAULT_LIMIT, isId, type Page, type PageQuery } from '../../openapi/page.ts';
import type { Schema } from '../../openapi/types.ts';
import type { ErasureState } from './state.ts';
import type { ErasureSteps } from './steps.ts';

/** How long a request waits for the end of its erasure. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 50;
/** Max erasures that requests of this process run at once, so that connections are left for other requests. */
const MAX_RUNNING = 2;

const REQUEST = {
  name: 'request-erasure',
  text: `select erasure, refusal from ${storedFunction('request_erasure')}($1, $2, $3, $4)`,
};

const NOTHING: Schema<'ErasureCounts'> = {
  messages: 0,
  mentions: 0,
  canceled: 0,
  files: 0,
  receipts: 0,
  webhooks: 0,
  idempotency_keys: 0,
};

export interface ErasuresOptions {
  knex: Knex;
  pool: pg.Pool;
  steps: ErasureSteps;
  /** The configured senders in lower case, which are not erased. */
  ownAddresses: readonly string[];
}

/** The erasures of participants, for requests. */
export class Erasures {
  readonly #options: ErasuresOptions;
  readonly #limit = pLimit(MAX_RUNNING);

  constructor(options: ErasuresOptions) {
    this.#options = options;
  }

  /**
   * Erases a participant, or all participants of its person. Resolves with the erasure after some seconds at most; a worker
   * completes an erasure that is still running then.
   *
   * @param actor the name of the API key; null without API keys.
   * @throws {NotFoundError} there is no such participant.
   * @throws {ConflictError} messages are sent from the address.
   */
  async request(id: number, person: boolean, actor: string | null): Promise<Schema<'Erasure'>> {
    const { pool, ownAddresses } = this.#options;
    const { rows } = await execute<{ erasure: number; refusal: string | null }>(pool, REQUEST, [
      ...[id, person, actor, ownAddresses],
    ]);
    const [{ erasure, refusal }] = rows as [(typeof rows)[0]];
    if (refusal === 'not_found') throw new NotFoundError(`participant ${id}`);
    if (refusal === 'own_address')
      throw new ConflictError(
        'own_address',
        `Participant ${id} has an address that messages are sent from, and cannot be erased.`,
      );
    await this.#run(erasure, performance.now() + PATIENCE_MS);
    return this.get(erasure);
  }

  /** @throws {NotFoundError} */
  async get(id: number): Promise<Schema<'Erasure'>> {
    const erasure = await Erasure.query(this.#options.knex).findById(id);
    if (!erasure) throw new NotFoundError(`erasure ${id}`);
    return present(erasure);
  }

  /** The erasures, the newest first. */
  async list(query: PageQuery): Promise<Page<Schema<'Erasure'>>> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const cursors = new Cursors<[number]>('erasures', query, [isId]);
    const rows = await Erasure.query(this.#options.knex)
      .modify((builder) => {
        if (cursors.after) builder.where('id', '<', cursors.after[0]);
      })
      .orderBy('id', 'desc')
      .limit(limit + 1);
    const listed = rows.slice(0, limit);
    const last = rows.length > limit ? listed.at(-1) : undefined;
    return cursors.page(listed, last ? [last.id] : null, present);
  }

  /** Runs the steps of an erasure until it is completed, or until the deadline. */
  async #run(erasure: number, deadline: number): Promise<void> {
    while (performance.now() < deadline) {
      const state = await this.#limit(() => this.#step(erasure, deadline));
      if (state === 'completed') return;
      if (state === 'waits') await sleep(PAUSE_MS);
    }
  }

  /** A step that fails is done by a worker later: the erasure is stored. */
  async #step(erasure: number, deadline: number): Promise<ErasureState> {
    if (performance.now() > deadline) return 'running';
    return this.#options.steps.next(erasure).catch((error) => {
      if (error instanceof UnavailableError) return 'waits';
      throw error;
    });
  }
}

function present(erasure: Erasure): Schema<'Erasure'> {
  return {
    id: erasure.id,
    participant_id: erasure.participant_id,
    participant_ids: erasure.participant_ids.map(Number),
    person: erasure.person,
    state: erasure.state,
    counts: { ...NOTHING, ...erasure.counts },
    actor: erasure.actor,
    requested_at: erasure.requested_at.toISOString(),
    completed_at: erasure.completed_at?.toISOString() ?? null,
  };
}

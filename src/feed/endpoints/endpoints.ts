import type { Knex } from 'knex';
import type pg from 'pg';
import { Endpoint } from '../../db/models/endpoint.ts';
import { execute, transaction } from '../../db/transaction.ts';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../errors.ts';
import { Cursors, DEFAULT_LIMIT, isId, type Page, type PageQuery } from '../../openapi/page.ts';
import type { Schema } from '../../openapi/types.ts';
import { type AttemptQuery, listAttempts } from './attempts.ts';
import { type CountedEndpoint, existing, presentEndpoint } from './present.ts';
import { replayEndpoint } from './replay.ts';
import { type EndpointSecrets, newSecret } from './secret.ts';
import type { EndpointSender } from './send.ts';
import { COUNT, DELETE, DELETE_HISTORY, INSERT, LOCK, ROTATE, UPDATE } from './statements.ts';
import { testEndpoint } from './test-event.ts';
import { urlFault } from './url.ts';

export interface EndpointsOptions {
  knex: Knex;
  pool: pg.Pool;
  sender: EndpointSender;
  secrets: EndpointSecrets;
}

type Shown = Schema<'Endpoint'>;
type ShownWithSecret = Schema<'EndpointWithSecret'>;

const MAX_ENDPOINTS = 1_000;

/** Endpoints that receive events: creates, changes, deletes, tests and replays them. */
export class Endpoints {
  readonly #options: EndpointsOptions;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  /**
   * @throws {InvalidRequestError} if an endpoint cannot have this URL.
   * @throws {ConflictError} if there are `MAX_ENDPOINTS` endpoints.
   */
  async create({
    url,
    description = null,
    event_types: types = [],
    enabled = true,
  }: Schema<'NewEndpoint'>): Promise<ShownWithSecret> {
    this.#assertUrl(url);
    const secret = newSecret();
    const id = await transaction(this.#options.pool, async (connection) => {
      await connection.query(LOCK);
      const { rows: counts } = await connection.query<{ endpoints: number }>(COUNT);
      if ((counts[0]?.endpoints ?? 0) >= MAX_ENDPOINTS)
        throw new ConflictError(
          'too_many_endpoints',
          `The service has ${MAX_ENDPOINTS} endpoints, the maximum.`,
        );
      const { rows } = await connection.query<{ id: number }>(INSERT, [
        ...[url, description, [...new Set(types)], enabled, this.#options.secrets.seal(secret)],
      ]);
      return rows[0]?.id as number;
    });
    return { ...(await this.get(id)), secret };
  }

  /** The endpoints, the newest first. */
  async list(query: PageQuery): Promise<Page<Shown>> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const cursors = new Cursors<[number]>('endpoints', query, [isId]);
    const rows = await Endpoint.query(this.#options.knex)
      .modify(existing)
      .modify((builder) => {
        if (cursors.after) builder.where('id', '<', cursors.after[0]);
      })
      .orderBy('id', 'desc')
      .limit(limit + 1)
      .castTo<CountedEndpoint[]>();
    const listed = rows.slice(0, limit);
    const last = rows.length > limit ? listed.at(-1) : undefined;
    return cursors.page(listed, last ? [last.id] : null, presentEndpoint);
  }

  /** @throws {NotFoundError} */
  async get(id: number): Promise<Shown> {
    return presentEndpoint(await this.#find(id));
  }

  /**
   * @throws {NotFoundError}
   * @throws {InvalidRequestError} if an endpoint cannot have this URL.
   */
  async update(id: number, change: Schema<'EndpointChange'>): Promise<Shown> {
    const { url = null, description, event_types: types, enabled = null } = change;
    if (url !== null) this.#assertUrl(url);
    await this.#change(UPDATE, id, [
      ...[url, description !== undefined, description ?? null, types ? [...new Set(types)] : null, enabled],
    ]);
    return this.get(id);
  }

  /** Replaces the secret; the previous secret signs too for 24 hours. */
  async rotateSecret(id: number): Promise<ShownWithSecret> {
    const secret = newSecret();
    await this.#change(ROTATE, id, [this.#options.secrets.seal(secret)]);
    return { ...(await this.get(id)), secret };
  }

  /** @throws {NotFoundError} */
  async remove(id: number): Promise<void> {
    await this.#change(DELETE, id, []);
    await execute(this.#options.pool, DELETE_HISTORY, []);
  }

  /**
   * Sends a test event, and returns the result of the only attempt.
   *
   * @throws {NotFoundError}
   */
  async test(id: number, signal: AbortSignal): Promise<Schema<'EndpointTestResult'>> {
    return testEndpoint(this.#options.sender, await this.#find(id), signal);
  }

  /**
   * @throws {NotFoundError}
   * @throws {PositionExpiredError} if events after this position are not kept any more.
   */
  async replay(id: number, replay: Schema<'EndpointReplay'>): Promise<Shown> {
    await this.#find(id);
    await replayEndpoint(this.#options.pool, id, replay);
    return this.get(id);
  }

  /** @throws {NotFoundError} */
  async attempts(id: number, query: AttemptQuery): Promise<Page<Schema<'EndpointAttempt'>>> {
    await this.#find(id);
    return listAttempts(this.#options.knex, id, query);
  }

  async #find(id: number): Promise<CountedEndpoint> {
    const row = await Endpoint.query(this.#options.knex)
      .findById(id)
      .modify(existing)
      .castTo<CountedEndpoint | undefined>();
    if (!row) throw new NotFoundError(`endpoint ${id}`);
    return row;
  }

  async #change(statement: { name: string; text: string }, id: number, values: unknown[]): Promise<void> {
    const { rows } = await execute(this.#options.pool, statement, [id, ...values]);
    if (rows.length === 0) throw new NotFoundError(`endpoint ${id}`);
  }

  #assertUrl(url: string): void {
    const message = urlFault(url, this.#options.sender.policy);
    if (message !== null) throw new InvalidRequestError([{ path: '/body/url', message }]);
  }
}

import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Endpoint } from '../../db/models/endpoint.ts';
import { SecretBox } from '../../secret-keys.ts';

const SECRET_BYTES = 32;
/** The first characters of every Standard Webhooks secret. */
const PREFIX = 'whsec_';
const SEAL_EVERY_MS = 60_000;

/** A new Standard Webhooks secret. */
export function newSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** Encrypts the secrets of endpoints for the database. */
export class EndpointSecrets {
  readonly #box: SecretBox;

  /** @param secretKeys the values of `SECRET_KEYS`. */
  constructor(secretKeys: readonly string[]) {
    this.#box = new SecretBox(secretKeys, 'endpoint secrets');
  }

  seal(secret: string): string {
    return this.#box.seal(secret);
  }

  /** The secret; null if it was encrypted with another key. A previous version stored secrets as plain text. */
  open(stored: string): string | null {
    return stored.startsWith(PREFIX) ? stored : this.#box.open(stored);
  }

  /**
   * The periodic task that encrypts secrets with the first key: plain texts of a previous version, and secrets that the second key
   * encrypted before a rotation.
   */
  sealing(pool: pg.Pool) {
    return { everyMs: SEAL_EVERY_MS, step: () => this.#sealAll(pool) };
  }

  async #sealAll(pool: pg.Pool): Promise<boolean> {
    const { rows } = await pool.query<{ id: number; secret: string; previous_secret: string | null }>(FIND, [
      this.#box.prefix,
    ]);
    const sealed = rows.flatMap((row) => {
      const [secret, previous] = [this.#resealed(row.secret), this.#resealed(row.previous_secret)];
      const isChanged = secret !== row.secret || previous !== row.previous_secret;
      return isChanged ? { id: row.id, was: row.secret, secret, previous } : [];
    });
    if (sealed.length > 0) await pool.query(REPLACE, [JSON.stringify(sealed)]);
    return false;
  }

  /** The same secret, encrypted with the first key; a secret that cannot be opened stays as it is. */
  #resealed<Stored extends string | null>(stored: Stored): Stored | string {
    if (stored === null || stored.startsWith(this.#box.prefix)) return stored;
    const secret = this.open(stored);
    return secret === null ? stored : this.seal(secret);
  }
}

/** A deleted endpoint has no secret. */
const FIND = `
  select id, secret, previous_secret from endpoints
  where deleted_at is null and not (starts_with(secret, $1) and starts_with(coalesce(previous_secret, $1), $1))`;

/** A secret that was rotated meanwhile is encrypted already. */
const REPLACE = `
  update endpoints set secret = sealed.secret, previous_secret = sealed.previous
  from json_to_recordset($1) as sealed(id bigint, was text, secret text, previous text)
  where endpoints.id = sealed.id and endpoints.secret = was`;

/** The stored secrets that sign a request now, the current secret first. */
export function secretsAt(
  endpoint: Pick<Endpoint, 'secret' | 'previous_secret' | 'previous_secret_expires_at'>,
  now: Date,
): string[] {
  const { secret, previous_secret: previous, previous_secret_expires_at: end } = endpoint;
  return previous !== null && end !== null && end > now ? [secret, previous] : [secret];
}

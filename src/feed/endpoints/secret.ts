import { randomBytes } from 'node:crypto';
import type { Endpoint } from '../../db/models/endpoint.ts';

const SECRET_BYTES = 32;

/** A new Standard Webhooks secret. */
export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The secrets that sign a request now, the current secret first. */
export function secretsAt(
  endpoint: Pick<Endpoint, 'secret' | 'previous_secret' | 'previous_secret_expires_at'>,
  now: Date,
): string[] {
  const { secret, previous_secret: previous, previous_secret_expires_at: end } = endpoint;
  return previous !== null && end !== null && end > now ? [secret, previous] : [secret];
}

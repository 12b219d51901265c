import { createHash } from 'node:crypto';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { inboundSms } from './bodies.ts';
import { query } from './database.ts';
import { type Harness, webhookSecret } from './harness.ts';

/** An inbound message of the standard kind. */
export function inboundBody(id: string, fields: object = {}): string {
  return JSON.stringify({ ...inboundSms, messaging_provider_id: id, ...fields });
}

/** Sends a signed webhook to the URL of the account `text-co`. */
export function deliver(service: Harness, body: string, headers: Record<string, string> = {}) {
  const signed = sign(webhookSecret, 'evt_1', Math.floor(Date.now() / 1_000), body);
  return service.request('POST', '/api/webhooks/text-co', body, { ...signed, ...headers });
}

/** Stores a webhook of `text-co`, as after an attempt that failed, and returns its id. */
export async function store(
  databaseUrl: string,
  body: string,
  fields: { state?: 'pending' | 'quarantined'; account?: string; attempts?: number } = {},
): Promise<number> {
  const { state = 'quarantined', account = 'text-co', attempts = 1 } = fields;
  const [row] = await query<{ id: number }>(
    databaseUrl,
    `insert into webhook_inbox (account, state, target, headers, body, digest, reason, detail, attempts, next_attempt_at)
     values ($1, $2, '/api/webhooks/' || $1, '{"content-type": "application/json"}', $3, $4, 'internal_error', 'A bug.', $5,
       case when $2 = 'pending' then now() end)
     returning id`,
    [account, state, Buffer.from(body), createHash('sha256').update(body).digest(), attempts],
  );
  if (state === 'pending') await query(databaseUrl, 'notify webhooks_due');
  return Number(row?.id);
}

/** Makes the database refuse messages with this body, as a bug would; returns the function that ends the refusal. */
export async function refuseBody(databaseUrl: string, body: string): Promise<() => Promise<void>> {
  await query(databaseUrl, `alter table messages add constraint bug check (body <> '${body}')`);
  return async () => void (await query(databaseUrl, 'alter table messages drop constraint bug'));
}

import { randomUUID } from 'node:crypto';
import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { failedCheck, variablesOf } from '../http/check.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import { pathBelow } from '../media-hosts.ts';
import type { LookedUp } from '../outgoing.ts';
import type { AccountCheck, CallContext, CheckContext, LookUp, Provider } from '../provider.ts';
import { standardCapabilities } from './capabilities.ts';
import type { StandardSettings } from './config.ts';
import { readIds, standardDialect } from './outcome.ts';
import { toRequest } from './request.ts';
import { standardWebhooks } from './webhook.ts';

/**
 * An account at a provider with the standard API: `POST /sms/messages` and `POST /email/messages`; look-up by
 * `GET …/messages?idempotency_key=…`.
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createStandardProvider(
  account: AccountConfig<StandardSettings>,
  timeoutMs: number,
): Provider {
  const { channel } = account;
  const { url, key, webhookSecrets, supportsIdempotencyKeys, canLookUp } = account.settings;
  const authorization = `Bearer ${key}`;
  const client = new ProviderClient({
    ...{ url, timeoutMs, dialect: standardDialect(supportsIdempotencyKeys) },
    headers: { authorization },
  });
  const path = `${channel}/messages`;
  const looksUpFirst = !supportsIdempotencyKeys && canLookUp;
  return {
    ...accountFields(account),
    capabilities: standardCapabilities(channel, account.settings),
    longestAttemptMs: longestCallMs(timeoutMs) * (looksUpFirst ? 2 : 1),
    origin: new URL(url).origin,
    mediaHeaders: (media) => (pathBelow(media, new URL(url).origin) === null ? null : { authorization }),
    answersOptOuts: () => false,
    send: (message, context) =>
      client.send(
        path,
        { json: toRequest(message), headers: { 'idempotency-key': message.delivery_key } },
        context,
      ),
    lookUp: async (message, context) => (canLookUp ? lookUp(client, path, message, context) : 'inconclusive'),
    ...(canLookUp && { check: (context) => check(client, path, account.name, context) }),
    ...standardWebhooks(channel, webhookSecrets),
  };
}

async function lookUp(
  client: ProviderClient,
  path: string,
  { delivery_key }: LookedUp,
  context: CallContext,
): Promise<LookUp> {
  const body = await client.get(path, { searchParams: { idempotency_key: delivery_key } }, context);
  const { data } = (body ?? {}) as { data?: unknown };
  if (!Array.isArray(data)) return 'inconclusive';
  if (data.length === 0) return { found: false };
  const ids = readIds(data[0]);
  return ids === null ? 'inconclusive' : { found: true, ...ids };
}

/** Looks up a key that no message has. */
async function check(
  client: ProviderClient,
  path: string,
  name: string,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const searchParams = { idempotency_key: randomUUID() };
  const result = await client.read(path, { searchParams }, context);
  if ('failure' in result) return [failedCheck('look-up', result.failure, { name, credentials: ['KEY'] })];
  if (Array.isArray((result.json as { data?: unknown } | null)?.data))
    return [{ result: 'ok', text: 'look-up: the key is accepted' }];
  const text = `look-up: the response has no list of messages. Correct ${variablesOf(name, ['URL'])}`;
  return [{ result: 'fault', text }];
}

import type pg from 'pg';
import { storedFunction } from '../db/functions.ts';
import { execute } from '../db/transaction.ts';
import type { AddressParser } from '../messaging/address.ts';
import { readSender } from '../messaging/recording/inbound-addresses.ts';
import { readInboundTime } from '../messaging/recording/inbound-content.ts';
import type { InboundContent } from '../providers/webhook.ts';
import type { WebhookAccount } from '../providers/webhook-account.ts';

const FIRST_COPY = {
  name: 'first-copy',
  text: `select ${storedFunction('first_copy')}($1, $2, $3, $4, $5) as id`,
};

/** Creates the function that gives all copies of a message one id (`InboundContent.copy`). Other messages keep their id. */
export function createCopyResolver(pool: pg.Pool, parse: AddressParser) {
  return async (provider: WebhookAccount, content: InboundContent): Promise<string> => {
    const { copy, providerMessageId, timestamp } = content;
    if (!copy) return providerMessageId;
    const recipient = readSender(parse, provider.channel, copy.recipient).key;
    const receivedAt = readInboundTime(timestamp) ?? new Date();
    const values = [provider.name, providerMessageId, copy.key, recipient, receivedAt];
    const { rows } = await execute<{ id: string }>(pool, FIRST_COPY, values);
    return rows[0]?.id ?? providerMessageId;
  };
}

import type pg from 'pg';
import type { Channel } from '../channel.ts';
import { execute } from '../db/transaction.ts';
import type { AddressParser } from '../messaging/address.ts';
import { readSender } from '../messaging/recording/inbound-addresses.ts';
import { readText } from '../messaging/recording/inbound-values.ts';
import { truncate } from '../messaging/text.ts';
import type { OptOutContent } from '../providers/webhook.ts';

export type OptOutRecorder = (account: string, channel: Channel, content: OptOutContent) => Promise<void>;

const MAX_KEYWORD = 160;

const RECORD = {
  name: 'record-opt-out',
  text: `
    insert into opt_outs (account, address, sender, action, keyword, source, provider_message_id)
    values ($1, $2, $3, $4, $5, 'webhook', $6) on conflict do nothing`,
};

/** Creates the function that stores the opt-outs and opt-ins that providers report, each once. */
export function createOptOutRecorder(pool: pg.Pool, parse: AddressParser): OptOutRecorder {
  return async (account, channel, { action, address, sender, keyword, providerMessageId }) => {
    const text = readText(keyword);
    await execute(pool, RECORD, [
      account,
      readSender(parse, channel, address).key,
      readText(sender) === null ? null : readSender(parse, channel, sender).key,
      action,
      text && truncate(text.trim(), MAX_KEYWORD),
      providerMessageId,
    ]);
  };
}

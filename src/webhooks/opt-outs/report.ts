import type pg from 'pg';
import type { Channel } from '../../channel.ts';
import { type OptOutOptions, type OptOutRow, optOutRow } from '../../consent/opt-outs.ts';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import type { AddressParser } from '../../messaging/address.ts';
import { readSender } from '../../messaging/recording/inbound-addresses.ts';
import { readText } from '../../messaging/recording/inbound-values.ts';
import { truncate } from '../../messaging/text.ts';
import type { OptOutContent } from '../../providers/webhook.ts';

export type OptOutRecorder = (account: string, channel: Channel, content: OptOutContent) => Promise<void>;

const MAX_KEYWORD = 160;

const RECORD = { name: 'record-opt-outs', text: `select ${storedFunction('record_opt_outs')}($1)` };

/** The last call for a message began before the provider refused it. */
const FIND_CALL = {
  name: 'find-refused-call',
  text: `
    select max(started_at) as started_at
    from deliveries join delivery_attempts using (message_id)
    where deliveries.provider = $1 and deliveries.provider_message_id = $2`,
};

/** Creates the function that stores the opt-outs and opt-ins that providers report, each once, and changes the ledger. */
export function createOptOutRecorder(
  pool: pg.Pool,
  parse: AddressParser,
  options: OptOutOptions,
): OptOutRecorder {
  return async (account, channel, content) => {
    const row = reportedRow(parse, options, account, channel, content);
    const occurred_at = content.isRefusal ? await startOfCall(pool, account, content) : null;
    const request = { n: 1, ...row, occurred_at, is_refusal: occurred_at !== null };
    await execute(pool, RECORD, [JSON.stringify([request])]);
  };
}

/** Null if no message with this id is known. */
async function startOfCall(
  pool: pg.Pool,
  account: string,
  { providerMessageId }: OptOutContent,
): Promise<Date | null> {
  const { rows } = await execute<{ started_at: Date | null }>(pool, FIND_CALL, [account, providerMessageId]);
  return rows[0]?.started_at ?? null;
}

/** A request that a provider reports. */
export function reportedRow(
  parse: AddressParser,
  options: OptOutOptions,
  account: string,
  channel: Channel,
  { action, address, sender, keyword, providerMessageId }: OptOutContent,
): OptOutRow {
  return optOutRow(options, {
    ...{ account, action, provider_message_id: providerMessageId },
    address: readSender(parse, channel, address).key,
    senders: readText(sender) === null ? [] : [readSender(parse, channel, sender).key],
    keyword: keywordOf(readText(keyword)),
  });
}

/** The text by which a recipient asked, without spaces around. */
export function keywordOf(text: string | null): string | null {
  return text && truncate(text.trim(), MAX_KEYWORD);
}

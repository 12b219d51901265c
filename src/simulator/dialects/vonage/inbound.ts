import { randomUUID } from 'node:crypto';
import type { ProviderFile } from '../../media/files.ts';
import { webhookUrlOf } from '../../settings.ts';
import type { Answer } from '../../webhook-client.ts';
import type { Account, AccountContext } from './account.ts';
import { MEDIA, mediaFieldOf } from './media.ts';
import { UNKNOWN_FIELDS } from './statuses.ts';

/**
 * The keywords of Opt-Out Assist, after which Vonage rejects messages to the sender, and after which it sends them again.
 * Source: https://developer.vonage.com/en/opt-out-assist/technical-details
 */
const STOP = new Set(['stop', 'end', 'quit', 'cancel', 'unsubscribe']);
const START = new Set(['start', 'unstop', 'yes']);

/**
 * Sends the webhook of an inbound message to the service. With Opt-Out Assist, STOP and START change the opt-outs
 * of the account.
 *
 * @param given the fields of the webhook that replace the defaults.
 * @param files at most one.
 * @throws {Error} there is no response.
 */
export function receive(
  context: AccountContext,
  given: Record<string, unknown>,
  [file]: readonly ProviderFile[],
): Promise<Answer> {
  const { account, simulation, webhooks } = context;
  const { settings, signal } = simulation;
  const event = eventOf(file ? { ...mediaFieldOf(file, simulation.url), ...given } : given);
  if (settings.vonage.opt_out_assist) changeOptOuts(account, event);
  const sent = settings.vonage.unknown_fields ? { ...event, ...UNKNOWN_FIELDS } : event;
  const url = webhookUrlOf(simulation, 'vonage');
  return settings.vonage.unsigned_first
    ? webhooks.deliver(url, sent, true, signal)
    : webhooks.post(url, sent);
}

function changeOptOuts(account: Account, { from, to, text = '' }: Record<string, unknown>): void {
  const word = String(text).trim().toLowerCase();
  if (STOP.has(word)) account.setOptOut(String(from), String(to), true);
  if (START.has(word)) account.setOptOut(String(from), String(to), false);
}

/** The body of the webhook. Source: https://developer.vonage.com/en/api/messages */
export function eventOf(given: Record<string, unknown>): Record<string, unknown> {
  const type = MEDIA.find((name) => given[name] !== undefined);
  const common = {
    ...{ to: '12016661234', from: '18045551234', channel: type === undefined ? 'sms' : 'mms' },
    ...{ message_uuid: randomUUID(), timestamp: new Date().toISOString() },
  };
  if (type !== undefined) return { ...common, message_type: type, ...given };
  const text = String(given.text ?? 'Hello');
  const [keyword = ''] = text.trim().split(/\s+/, 1);
  return {
    ...common,
    ...{ message_type: 'text', text, usage: { currency: 'EUR', price: '0.0333' } },
    sms: { num_messages: '1', keyword: keyword.toUpperCase() },
    ...given,
  };
}

import type { Keyword, KeywordMatcher } from '../../consent/keywords.ts';
import { type OptOutOptions, type OptOutRow, optOutRow } from '../../consent/opt-outs.ts';
import type { Address, AddressParser } from '../../messaging/address.ts';
import { readSender } from '../../messaging/recording/inbound-addresses.ts';
import { readText } from '../../messaging/recording/inbound-values.ts';
import type { NewMessage } from '../../messaging/recording/new-message.ts';
import { toStorable } from '../../messaging/storable.ts';
import type { Provider } from '../../providers/provider.ts';
import type { InboundContent, OptOutContent } from '../../providers/webhook.ts';
import type { WebhookAccount } from '../../providers/webhook-account.ts';
import { mayReply } from './replies.ts';
import { keywordOf, reportedRow } from './report.ts';

export interface RequestOptions extends OptOutOptions {
  parseAddress: AddressParser;
  match: KeywordMatcher;
  /** The accounts of the channel SMS. */
  accounts: readonly Provider[];
}

/** The request of a recipient in an inbound message. */
export interface OptOutRequest {
  row: OptOutRow;
  /** The text of the automatic reply; null for none. */
  reply: string | null;
  /** Whether the text has precedence over the report of the provider. */
  replacesReport: boolean;
}

/**
 * The request that an inbound text is, by its keyword or by the report of its provider. A STOP in the text has precedence over
 * another report; otherwise the report has precedence, because the provider acts by it.
 */
export function requestIn(
  options: RequestOptions,
  provider: WebhookAccount,
  message: NewMessage,
  reported: OptOutContent | undefined,
): OptOutRequest | null {
  if (message.channel !== 'sms') return null;
  const keyword = isPhone(message.sender) ? options.match(message.row.body) : null;
  const replacesReport = keyword?.action === 'stop' && reported !== undefined && reported.action !== 'stop';
  if (reported && !replacesReport) {
    const row = reportedRow(options.parseAddress, options, provider.name, 'sms', reported);
    return { row, reply: null, replacesReport };
  }
  return keyword && { ...keywordRequest(options, provider, message, keyword), replacesReport };
}

/**
 * The STOP in an inbound text that cannot be recorded; null for any other text. The number that it was written to is not known, so
 * that it applies to the channel.
 */
export function stopIn(
  { parseAddress, match }: RequestOptions,
  { channel }: WebhookAccount,
  { from, body, providerMessageId }: InboundContent,
): OptOutContent | null {
  const text = toStorable(readText(body) ?? '');
  const sender = readSender(parseAddress, channel, toStorable(from));
  if (channel !== 'sms' || !isPhone(sender) || match(text)?.action !== 'stop') return null;
  return { action: 'stop', address: sender.key, sender: null, keyword: text, providerMessageId };
}

/** Whether texts can be sent to the sender of a message. */
function isPhone({ type }: Address): boolean {
  return type === 'phone' || type === 'short_code';
}

function keywordRequest(
  options: RequestOptions,
  provider: WebhookAccount,
  message: NewMessage,
  { action, reply }: Keyword,
): Pick<OptOutRequest, 'row' | 'reply'> {
  const may_reply = reply !== null && mayReply(options.accounts, provider, message);
  const row = optOutRow(options, {
    ...{ account: provider.name, address: message.row.from, senders: message.row.to, action, may_reply },
    ...{ keyword: keywordOf(message.row.body), provider_message_id: null },
  });
  return { row, reply: may_reply ? reply : null };
}

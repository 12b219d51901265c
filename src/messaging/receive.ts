import type { Channel } from '../config.ts';
import { type Fault, InvalidRequestError } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { Address } from './address.ts';
import { foldRecipients, readAddresses, wireOf } from './address-reader.ts';
import { type NewMessage, participantsOf } from './new-message.ts';
import { countSegments } from './segments.ts';
import { readTime } from './time.ts';

/**
 * An inbound message from a provider's webhook of `channel`; `provider` is the name of the provider that delivered it.
 *
 * @throws {InvalidRequestError} naming every address or time that cannot be read.
 */
export function inboundMessage(
  parse: (input: string) => Address | null,
  channel: Channel,
  provider: string,
  event: Schema<'InboundText'> | Schema<'InboundEmail'>,
): NewMessage {
  const faults: Fault[] = [];
  const addresses = readAddresses(parse, faults);
  const sender = addresses.one('/body/from', event.from);
  const email = channel === 'email' ? (event as Schema<'InboundEmail'>) : null;
  const { to, cc } = foldRecipients(sender, {
    to: addresses.many('/body/to', event.to),
    cc: addresses.many('/body/cc', email?.cc),
    bcc: [],
  });
  const type = email ? 'email' : textType(event as Schema<'InboundText'>, to);
  addresses.checkChannel(channel);
  const timestamp = readTime('/body/timestamp', event.timestamp, faults) ?? new Date();
  if (faults.length > 0 || !sender) throw new InvalidRequestError(faults);

  const body = event.body ?? '';
  return {
    channel,
    sender,
    participants: participantsOf([sender, ...to, ...cc]),
    row: {
      direction: 'inbound',
      type,
      from: sender.wire,
      to: wireOf(to),
      cc: cc.length > 0 ? wireOf(cc) : null,
      bcc: null,
      reply_to: null,
      subject: email?.subject ?? null,
      body,
      attachments: event.attachments ?? [],
      metadata: {},
      status: 'received',
      provider,
      provider_message_id: email ? email.xillio_id : (event as Schema<'InboundText'>).messaging_provider_id,
      segments: type === 'sms' ? countSegments(body) : null,
      timestamp,
      send_at: null,
      expires_at: null,
      payload: event,
      idempotency_key: null,
      request_hash: null,
      delivery_key: null,
    },
  };
}

function textType(event: Schema<'InboundText'>, to: Address[]): 'sms' | 'mms' {
  return event.type ?? ((event.attachments?.length ?? 0) > 0 || to.length > 1 ? 'mms' : 'sms');
}

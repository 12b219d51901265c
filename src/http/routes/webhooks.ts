import type { Channel } from '../../config.ts';
import { type Fault, InvalidRequestError } from '../../errors.ts';
import { presentReceipt } from '../../messaging/messages.ts';
import { presentMessage } from '../../messaging/present.ts';
import { inboundMessage } from '../../messaging/receive.ts';
import { readTime } from '../../messaging/time.ts';
import type { Handlers, Schema } from '../../openapi/types.ts';
import type { Context } from './context.ts';

type Operations = 'receiveText' | 'receiveEmail' | 'receiveTextStatus' | 'receiveEmailStatus';
type Status = Schema<'TextStatus'> | Schema<'EmailStatus'>;

export function webhookHandlers({
  parseAddress,
  recorder,
  receipts,
  providers,
}: Context): Pick<Handlers, Operations> {
  const providerOf = (channel: Channel, name: string | undefined): string => {
    const found = providers.find(
      (provider) => provider.channel === channel && (name === undefined || provider.name === name),
    );
    if (!found)
      throw new InvalidRequestError([
        { path: '/query/provider', message: `is not a provider of ${channel}` },
      ]);
    return found.name;
  };
  const receive = async (
    channel: Channel,
    name: string | undefined,
    event: Schema<'InboundText'> | Schema<'InboundEmail'>,
  ) => {
    const { message } = await recorder.record(
      inboundMessage(parseAddress, channel, providerOf(channel, name), event),
    );
    return { status: 200 as const, body: presentMessage(message) };
  };
  const take = async (
    channel: Channel,
    name: string | undefined,
    providerMessageId: string,
    event: Status,
  ) => {
    const faults: Fault[] = [];
    const occurredAt = readTime('/body/timestamp', event.timestamp, faults) ?? new Date();
    if (faults.length > 0) throw new InvalidRequestError(faults);
    const receipt = await receipts.take({
      provider: providerOf(channel, name),
      provider_message_id: providerMessageId,
      status: event.status,
      error: event.error ? { code: event.error.code, detail: event.error.detail ?? null } : null,
      occurred_at: occurredAt,
      payload: event,
    });
    return { status: 200 as const, body: presentReceipt(receipt) };
  };
  return {
    receiveText: ({ query, body }) => receive('sms', query.provider, body),
    receiveEmail: ({ query, body }) => receive('email', query.provider, body),
    receiveTextStatus: ({ query, body }) => take('sms', query.provider, body.messaging_provider_id, body),
    receiveEmailStatus: ({ query, body }) => take('email', query.provider, body.xillio_id, body),
  };
}

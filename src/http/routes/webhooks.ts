import { presentReceipt } from '../../delivery/timeline.ts';
import { InvalidRequestError } from '../../errors.ts';
import { presentMessage } from '../../messaging/message-view.ts';
import { inboundMessage } from '../../messaging/recording/inbound.ts';
import { readReceipt } from '../../messaging/recording/inbound-receipt.ts';
import { readProviderId } from '../../messaging/recording/inbound-values.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { Provider } from '../../providers/provider.ts';
import { toMessage, toReceipt } from '../../providers/standard/webhook.ts';
import type { InboundContent, ReceiptContent } from '../../providers/webhook.ts';
import type { Handlers, ProviderCaller } from '../auth/caller.ts';
import { toStorable } from '../middleware/postgres-text.ts';
import type { Context } from './context.ts';

type Operations =
  | 'receiveWebhook'
  | 'receiveSms'
  | 'receiveEmail'
  | 'receiveSmsStatus'
  | 'receiveEmailStatus';
type Inbound = Schema<'InboundSms'> | Schema<'InboundEmail'>;
type Receipt = Schema<'SmsReceipt'> | Schema<'EmailReceipt'>;

export function webhookHandlers({ parseAddress, recorder, receipts }: Context): Pick<Handlers, Operations> {
  const recordMessage = ({ channel, name }: Provider, content: InboundContent, reserve: Reserve) =>
    recorder.record(inboundMessage(parseAddress, channel, name, content), reserve);
  const recordReceipt = ({ name }: Provider, content: ReceiptContent) =>
    receipts.record(readReceipt(parseAddress, name, content));
  const receive = async (
    { provider }: ProviderCaller,
    id: string | number,
    event: Inbound,
    reserve: Reserve,
  ) => {
    const { message } = await recordMessage(provider, toMessage({ ...event }, readProviderId(id)), reserve);
    return { status: 200 as const, body: presentMessage(message) };
  };
  const receiveStatus = async ({ provider }: ProviderCaller, id: string | number, event: Receipt) => {
    const receipt = await recordReceipt(provider, toReceipt({ ...event }, readProviderId(id)));
    return { status: 200 as const, body: presentReceipt(receipt) };
  };
  return {
    receiveSms: ({ caller, body, reserve }) => receive(caller, body.messaging_provider_id, body, reserve),
    receiveEmail: ({ caller, body, reserve }) => receive(caller, body.xillio_id, body, reserve),
    receiveSmsStatus: ({ caller, body }) => receiveStatus(caller, body.messaging_provider_id, body),
    receiveEmailStatus: ({ caller, body }) => receiveStatus(caller, body.xillio_id, body),
    receiveWebhook: async ({ caller: { provider, webhook }, reserve }) => {
      const content = await provider.parse(webhook);
      if (content === null)
        throw new InvalidRequestError([
          { path: '/body', message: 'is no message and no receipt of this provider' },
        ]);
      const { messages, receipts: reports } = toStorable(content);
      for (const message of messages) await recordMessage(provider, message, reserve);
      for (const receipt of reports) await recordReceipt(provider, receipt);
      const { status, contentType, body } = provider.respond();
      return { status, headers: { 'content-type': contentType }, body };
    },
  };
}

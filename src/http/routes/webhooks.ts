import { presentReceipt } from '../../delivery/timeline.ts';
import { presentMessage } from '../../messaging/message-view.ts';
import { inboundMessage } from '../../messaging/recording/inbound.ts';
import { readReceipt } from '../../messaging/recording/inbound-receipt.ts';
import { readProviderId } from '../../messaging/recording/inbound-values.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import type { Handlers, ProviderCaller } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations = 'receiveSms' | 'receiveEmail' | 'receiveSmsStatus' | 'receiveEmailStatus';
type Status = Schema<'SmsReceipt'> | Schema<'EmailReceipt'>;

export function webhookHandlers({ parseAddress, recorder, receipts }: Context): Pick<Handlers, Operations> {
  const receive = async (
    { provider: { channel, name } }: ProviderCaller,
    event: Schema<'InboundSms'> | Schema<'InboundEmail'>,
    reserve: Reserve,
  ) => {
    const { message } = await recorder.record(inboundMessage(parseAddress, channel, name, event), reserve);
    return { status: 200 as const, body: presentMessage(message) };
  };
  const recordReceipt = async ({ provider }: ProviderCaller, id: string | number, event: Status) => {
    const receipt = await receipts.record({
      provider: provider.name,
      provider_message_id: readProviderId(id),
      ...readReceipt(event),
      payload: event,
    });
    return { status: 200 as const, body: presentReceipt(receipt) };
  };
  return {
    receiveSms: ({ caller, body, reserve }) => receive(caller, body, reserve),
    receiveEmail: ({ caller, body, reserve }) => receive(caller, body, reserve),
    receiveSmsStatus: ({ caller, body }) => recordReceipt(caller, body.messaging_provider_id, body),
    receiveEmailStatus: ({ caller, body }) => recordReceipt(caller, body.xillio_id, body),
  };
}

import { presentReceipt } from '../../delivery/timeline.ts';
import { readProviderId } from '../../messaging/recording/inbound-values.ts';
import type { Reserve, Schema } from '../../openapi/types.ts';
import { toMessage, toReceipt } from '../../providers/standard/webhook.ts';
import type { Handlers, ProviderCaller } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'receiveWebhook'
  | 'receiveInboundMail'
  | 'receiveMime'
  | 'receiveSms'
  | 'receiveEmail'
  | 'receiveSmsStatus'
  | 'receiveEmailStatus';
type Inbound = Schema<'InboundSms'> | Schema<'InboundEmail'>;
/** The parts of a request whose body only the account reads. */
type RawWebhook = { caller: ProviderCaller; reserve: Reserve };
type Receipt = Schema<'SmsReceipt'> | Schema<'EmailReceipt'>;

export function webhookHandlers({ webhooks, presentMessage }: Context): Pick<Handlers, Operations> {
  const { effects } = webhooks;
  const receive = async (
    { provider }: ProviderCaller,
    id: string | number,
    event: Inbound,
    reserve: Reserve,
  ) => {
    const content = toMessage(provider.channel, { ...event }, readProviderId(id));
    return {
      status: 200 as const,
      body: presentMessage((await effects.recordMessage(provider, content, reserve)).message, { html: true }),
    };
  };
  const receiveStatus = async ({ provider }: ProviderCaller, id: string | number, event: Receipt) => {
    const content = toReceipt(provider.channel, { ...event }, readProviderId(id));
    const receipt = await effects.recordReceipt(provider, content);
    return { status: 200 as const, body: presentReceipt(receipt) };
  };
  const receiveRaw = async ({ caller: { provider, webhook }, reserve }: RawWebhook) => {
    await webhooks.receive(provider, webhook, reserve);
    const { status, contentType, body } = provider.respond();
    return { status, headers: { 'content-type': contentType }, body };
  };
  return {
    receiveSms: ({ caller, body, reserve }) => receive(caller, body.messaging_provider_id, body, reserve),
    receiveEmail: ({ caller, body, reserve }) => receive(caller, body.xillio_id, body, reserve),
    receiveSmsStatus: ({ caller, body }) => receiveStatus(caller, body.messaging_provider_id, body),
    receiveEmailStatus: ({ caller, body }) => receiveStatus(caller, body.xillio_id, body),
    receiveWebhook: receiveRaw,
    receiveInboundMail: receiveRaw,
    receiveMime: receiveRaw,
  };
}

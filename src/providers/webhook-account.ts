import type { Provider } from './provider.ts';

/** The parts of an account that receive its webhooks. */
export type WebhookAccount = Pick<
  Provider,
  | 'name'
  | 'kind'
  | 'channel'
  | 'senders'
  | 'consentReplies'
  | 'isSimulated'
  | 'webhookProcessing'
  | 'repeatsUnsigned'
  | 'webhookHeaders'
  | 'answersOptOuts'
  | 'verify'
  | 'parse'
  | 'respond'
> & {
  /** Max bytes of a webhook; undefined: the limit of the channel. */
  maxWebhookBytes?: number;
};

/** The account as the receiver of its inbound email; undefined if its kind posts no inbound email to a URL of its own. */
export function inboundAccount(provider: Provider): WebhookAccount | undefined {
  const { name, kind, channel, senders, consentReplies, isSimulated, inbound } = provider;
  if (!inbound) return undefined;
  return {
    ...{ name, kind, channel, senders, consentReplies, isSimulated },
    webhookProcessing: 'inbox',
    webhookHeaders: inbound.headers,
    maxWebhookBytes: inbound.maxBytes,
    answersOptOuts: (sender) => provider.answersOptOuts(sender),
    verify: (webhook) => inbound.verify(webhook),
    parse: (webhook) => inbound.parse(webhook),
    respond: () => inbound.respond(),
  };
}

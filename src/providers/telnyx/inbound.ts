import { hash } from 'node:crypto';
import type { InboundContent, OptOutContent, WebhookContent } from '../webhook.ts';
import {
  isObject,
  type JsonObject,
  listOf,
  phoneNumberOf,
  phoneNumbersOf,
  type TelnyxEvent,
} from './event.ts';

/** The values of `autoresponse_type`; the second form is in older webhooks. */
const OPT_OUT_ACTIONS = new Map<string, OptOutContent['action']>([
  ['STOP', 'stop'],
  ['OPT_OUT', 'stop'],
  ['START', 'start'],
  ['OPT_IN', 'start'],
  ['HELP', 'help'],
  ['INFO', 'help'],
]);

/**
 * Reads an inbound message. `to` has our number, and `cc` of a group message has the other participants; the service has both in
 * `to`. Null without a sender and a recipient.
 */
export function readInbound(event: TelnyxEvent): WebhookContent | null {
  const { payload, messageId } = event;
  const from = phoneNumberOf(payload.from);
  const own = phoneNumbersOf(payload.to);
  const others = phoneNumbersOf(payload.cc);
  if (from === null && own.length === 0) return null;
  const to = [...new Set([...own, ...others])].filter((number) => number !== from);
  const isGroup = to.length > 1;
  const media = mediaOf(payload);
  return {
    messages: [
      {
        ...{ providerMessageId: messageId, type: payload.type, from, to, body: payload.text },
        attachments: media.map(({ url }) => url),
        files: media.map(({ content_type: contentType }) => ({ contentType })),
        timestamp: payload.received_at ?? event.data.occurred_at,
        payload: event.whole,
        ...(isGroup && own[0] !== undefined && { copy: copyOf(payload, from, to, own[0]) }),
      },
    ],
    receipts: [],
    optOuts: optOutsOf(payload, messageId, { from, sender: own[0] ?? null }),
  };
}

/** Telnyx delivers a group message once for each of our numbers in the group, each time with another id. */
function copyOf(
  payload: JsonObject,
  from: string | null,
  to: readonly string[],
  recipient: string,
): NonNullable<InboundContent['copy']> {
  const media = mediaOf(payload).map(({ sha256, hash_sha256, content_type, size }) => [
    sha256 ?? hash_sha256 ?? [content_type ?? null, size ?? null],
  ]);
  const content = [from, to.toSorted(), payload.text ?? null, media];
  return { key: hash('sha256', JSON.stringify(content), 'base64url'), recipient };
}

function mediaOf({ media }: JsonObject): JsonObject[] {
  return listOf(media).filter(isObject);
}

/**
 * The request that Telnyx recognised in an inbound message.
 * Source: https://developers.telnyx.com/docs/messaging/messages/advanced-opt-in-out
 */
function optOutsOf(
  { autoresponse_type: type, text }: JsonObject,
  providerMessageId: string,
  { from, sender }: { from: string | null; sender: string | null },
): OptOutContent[] {
  const action = OPT_OUT_ACTIONS.get(String(type ?? '').toUpperCase());
  return action && from !== null ? [{ action, address: from, sender, keyword: text, providerMessageId }] : [];
}

import { isAutoReply } from '../../mail/auto-reply.ts';
import { isHtml } from '../../mail/is-html.ts';
import { chainOf, messageIdsIn } from '../../mail/message-ids.ts';
import { usefulHeaders } from '../../mail/useful-headers.ts';
import type { InboundContent } from '../../providers/webhook.ts';
import { itemsOf, readText } from '../recording/inbound-values.ts';
import { type NewEmail, newEmail } from './new-email.ts';

/** The limit of the column, in bytes. */
const MAX_MESSAGE_ID = 998;
/** Max values of `headers` that are read. */
const MAX_HEADERS = 1_000;

/** The parts of an inbound email beside its body. A value of another type than expected is left out. */
export function inboundParts({ email = {} }: Pick<InboundContent, 'email'>, body: string): NewEmail {
  const { bodyType, text, messageId, inReplyTo, references } = email;
  const is_html = bodyType === 'html' || (bodyType !== 'text' && isHtml(body));
  const [id = null] = readMessageIds(messageId);
  const headers = readHeaders(email.headers);
  return newEmail({
    is_html,
    text: is_html ? readText(text) || null : null,
    headers: usefulHeaders({ headers }),
    internet_message_id: id !== null && Buffer.byteLength(id) <= MAX_MESSAGE_ID ? id : null,
    reference_ids: chainOf({ references: readMessageIds(references), inReplyTo: readMessageIds(inReplyTo) }),
    auto_reply: headers.length > 0 ? isAutoReply(headers, undefined) : null,
  });
}

/** The message ids in a header text or a list of such texts, without angle brackets. */
export function readMessageIds(value: unknown): string[] {
  return itemsOf(value).flatMap((item) => messageIdsIn(readText(item)));
}

/** The headers of an object, in which a repeated header has a list of values. */
function readHeaders(value: unknown): { name: string; value: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .flatMap(([name, values]) =>
      itemsOf(values).map((item) => ({ name: name.toLowerCase(), value: readText(item) ?? '' })),
    )
    .slice(0, MAX_HEADERS);
}

import { isSafeMessageId } from '../../mail/header-text.ts';
import { isHtml } from '../../mail/is-html.ts';
import { textOfHtml } from '../../mail/text-of-html.ts';
import type { Outgoing, OutgoingEmail } from '../../providers/outgoing.ts';
import type { Claimed } from '../claim.ts';

type Content = Pick<Claimed, 'email' | 'body' | 'delivery_key'> & Pick<Outgoing, 'from' | 'subject'>;

/**
 * The parts of an email for its provider, the same in every attempt to the same recipients. HTML without a text of its own gets the
 * text of the HTML; mail programs and filters expect a text part.
 *
 * @param envelope the recipients of the call.
 */
export function emailOf(message: Content, envelope: readonly string[]): OutgoingEmail {
  const { email, body, delivery_key, from, subject } = message;
  const html = (email?.is_html ?? isHtml(body)) ? body : null;
  const inReplyTo = email?.in_reply_to ?? null;
  return {
    text: html === null ? body || null : email?.text || textOfHtml(html) || subject || NO_TEXT,
    html,
    messageId: email?.internet_message_id ?? `${delivery_key}@${from.slice(from.lastIndexOf('@') + 1)}`,
    inReplyTo: inReplyTo !== null && isSafeMessageId(inReplyTo) ? inReplyTo : null,
    references: (email?.reference_ids ?? []).filter(isSafeMessageId),
    headers: email?.headers ?? {},
    names: email?.names ?? {},
    envelope,
  };
}

/** The text of HTML that has pictures only, because some providers refuse an empty part. */
const NO_TEXT = ' ';

import type { Outgoing, OutgoingEmail, OutgoingFile } from '../outgoing.ts';

/** The body of a request to send a message (contracts/README.md). */
export function toRequest(message: Outgoing): object {
  const { type, from, to, cc, bcc, reply_to, subject, body, files, timestamp, email } = message;
  const attachments = files.map(({ url }) => url);
  const common = { from, to: to.length === 1 ? to[0] : to, body, attachments, timestamp };
  if (type !== 'email') return { ...common, type };
  return {
    ...common,
    ...(cc && { cc }),
    ...(bcc && { bcc }),
    ...(reply_to !== null && { reply_to }),
    ...(subject !== null && { subject }),
    ...(email && { ...partsOf(email), ...namesOf(message, email), ...describe(files) }),
  };
}

/** How to read the body, the text beside HTML, and the headers. */
function partsOf({ text, html, headers, messageId, inReplyTo, references }: OutgoingEmail): object {
  return {
    body_type: html === null ? 'text' : 'html',
    ...(html !== null && text !== null && { text }),
    ...(Object.keys(headers).length > 0 && { headers }),
    message_id: messageId,
    ...(inReplyTo !== null && { in_reply_to: inReplyTo }),
    ...(references.length > 0 && { references }),
  };
}

/** The display names of the addresses that the headers show. */
function namesOf(
  { from, to, cc, reply_to }: Pick<Outgoing, 'from' | 'to' | 'cc' | 'reply_to'>,
  { names }: Pick<OutgoingEmail, 'names'>,
): object {
  const shown = new Set([from, ...to, ...(cc ?? []), reply_to]);
  const entries = Object.entries(names).filter(([address]) => shown.has(address));
  return entries.length > 0 ? { names: Object.fromEntries(entries) } : {};
}

/** The files in the order of `attachments`, if anything but their URLs is known. */
function describe(files: readonly OutgoingFile[]): object {
  const described = files.map(({ url, name, contentType, size, contentId }) => ({
    url,
    ...(name !== null && { filename: name }),
    ...(contentType !== null && { content_type: contentType }),
    ...(size !== null && { size }),
    ...(contentId !== null && { content_id: contentId }),
  }));
  return described.some((file) => Object.keys(file).length > 1) ? { files: described } : {};
}

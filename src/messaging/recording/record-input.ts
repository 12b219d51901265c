import type { HashAddress } from '../../consent/key.ts';
import type { CachedConversation } from './conversation-cache.ts';
import type { Attachment } from './inbound-content.ts';
import type { NewMessage, SkippedRecipient } from './new-message.ts';

/** A message that the ledger allows, at least for some of its recipients. */
export interface MessageToRecord extends NewMessage {
  skipped: SkippedRecipient[];
}

/** The arguments of `record_messages`. */
export function toInput(
  messages: MessageToRecord[],
  known: (CachedConversation | undefined)[],
  hashAddress: HashAddress,
): unknown[] {
  const unknown = messages.flatMap(({ channel, sender, participants }, index) => {
    if (known[index]) return [];
    const [addresses, types] = [participants.map(({ key }) => key), participants.map(({ type }) => type)];
    return [{ n: index + 1, channel, sender: sender.key, participants: addresses, address_types: types }];
  });
  return [
    known.map((cached) => cached?.conversationId ?? null),
    known.map((cached) => cached?.senderId ?? null),
    known.map((cached) => cached?.createdAt ?? null),
    unknown.length > 0 ? JSON.stringify(unknown) : null,
    JSON.stringify(toRows(messages, hashAddress)),
    requestsIn(messages),
  ];
}

/** The requests of recipients; null for a batch without one. */
function requestsIn(messages: NewMessage[]): string | null {
  const requests = messages.flatMap(({ optOut }, index) => (optOut ? { n: index + 1, ...optOut } : []));
  return requests.length > 0 ? JSON.stringify(requests) : null;
}

/** The columns of the messages. */
function toRows(messages: MessageToRecord[], hashAddress: HashAddress): object[] {
  return messages.map(({ row, media, mediaNames, email, attachments, idempotency, skipped }, index) =>
    withoutNulls({
      ...{ n: index + 1, ...row, ...keyColumns(idempotency) },
      recipient_hashes: row.direction === 'outbound' ? hashesOf(row, hashAddress) : null,
      skipped: skipped.length > 0 ? skipped : null,
      media_ids: media?.map(({ id }) => id),
      content_ids: mediaNames?.map(({ contentId }) => contentId),
      media_names: mediaNames?.map(({ name }) => name),
      email: email && withoutNulls({ ...email }),
      ...(attachments && attachments.length > 0 && declared(attachments)),
    }),
  );
}

/** What the provider has declared, in the order of the attachments. */
function declared(attachments: Attachment[]) {
  return {
    attachment_types: attachments.map(({ contentType }) => contentType),
    attachment_names: attachments.map(({ name }) => name),
  };
}

/** The hashes of the recipients in the input format of `bytea`. */
function hashesOf({ to, cc, bcc }: NewMessage['row'], hashAddress: HashAddress): string[] {
  return [to, cc ?? [], bcc ?? []].flat().map((address) => `\\x${hashAddress(address)}`);
}

function keyColumns(idempotency: NewMessage['idempotency']) {
  if (idempotency === null) return null;
  const { apiKeyName, key, requestHash } = idempotency;
  return { api_key_name: apiKeyName, idempotency_key: key, request_hash: requestHash };
}

/** Omits null values, because `json_to_recordset` reads a missing field as null. */
function withoutNulls(row: Record<string, unknown>): object {
  for (const key in row) if (row[key] === null) row[key] = undefined;
  return row;
}

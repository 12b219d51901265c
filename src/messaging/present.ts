import type { Message } from '../db/models/message.ts';
import type { Schema } from '../openapi/types.ts';

/** The columns that `presentMessage` needs. */
export const presentableColumns = [
  'id',
  'conversation_id',
  'direction',
  'type',
  'from',
  'to',
  'cc',
  'bcc',
  'reply_to',
  'subject',
  'body',
  'attachments',
  'status',
  'error',
  'provider',
  'provider_message_id',
  'segments',
  'metadata',
  'timestamp',
  'send_at',
  'expires_at',
  'created_at',
  'updated_at',
] as const satisfies (keyof Message)[];

/** The conversation as whose a message is read: the one that speaks for its own. */
export const SPEAKING_CONVERSATION =
  '(select coalesce(merged_into_id, id) from conversations where id = messages.conversation_id) as conversation_id';

export type PresentableMessage = Pick<Message, (typeof presentableColumns)[number]>;

/** A row as the contract shows it: what only some emails have is left out where it is empty. */
export function presentMessage(row: PresentableMessage): Schema<'Message'> {
  return {
    id: row.id,
    conversation_id: row.conversation_id,
    direction: row.direction,
    type: row.type,
    from: row.from,
    to: row.to,
    ...(row.cc && { cc: row.cc }),
    ...(row.bcc && { bcc: row.bcc }),
    ...(row.reply_to !== null && { reply_to: row.reply_to }),
    ...(row.subject !== null && { subject: row.subject }),
    body: row.body,
    attachments: row.attachments,
    status: row.status,
    error: row.error,
    provider: row.provider,
    provider_message_id: row.provider_message_id,
    segments: row.segments,
    metadata: row.metadata,
    timestamp: row.timestamp.toISOString(),
    send_at: row.send_at?.toISOString() ?? null,
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

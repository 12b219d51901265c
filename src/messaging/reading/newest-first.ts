import type { QueryBuilder } from 'objection';
import type { Message } from '../../db/models/message.ts';

export type Messages = QueryBuilder<Message>;

/** The columns that messages are put in order by. */
export interface Clock {
  time: string;
  id: string;
}
export const BY_MESSAGE: Clock = { time: 'messages.created_at', id: 'messages.id' };
export const BY_DELIVERY: Clock = { time: 'delivery.created_at', id: 'delivery.message_id' };

/** The latest of these messages, as they are stored. */
export function latest(messages: Messages, limit: number, { time, id }: Clock): Messages {
  const order = [time, id].map((column) => ({ column, order: 'desc' as const }));
  return messages.orderBy(order).limit(limit);
}

import type { QueryBuilder } from 'objection';
import type { Message } from '../../db/models/message.ts';

export type Messages = QueryBuilder<Message>;

/** The columns for the order of messages. */
export interface Clock {
  time: string;
  id: string;
}
export const BY_MESSAGE: Clock = { time: 'messages.created_at', id: 'messages.id' };
export const BY_DELIVERY: Clock = { time: 'delivery.created_at', id: 'delivery.message_id' };

/** Limits a query to the newest messages. */
export function newest(messages: Messages, limit: number, { time, id }: Clock): Messages {
  const order = [time, id].map((column) => ({ column, order: 'desc' as const }));
  return messages.orderBy(order).limit(limit);
}

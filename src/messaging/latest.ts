import type { Knex } from 'knex';
import type { QueryBuilder } from 'objection';
import { Message } from '../db/models/message.ts';
import { type PresentableMessage, presentable } from './present.ts';

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

/** The latest of these messages, for `presentMessage`. Found first, so that only those of the page are looked up in other tables. */
export function shown(
  knex: Knex,
  messages: Messages,
  limit: number,
  clock = BY_MESSAGE,
): QueryBuilder<Message, PresentableMessage[]> {
  const page = latest(messages, limit, clock).as('messages');
  const rows = Message.query(knex)
    .from(page as never)
    .modify(presentable);
  return latest(rows, limit, BY_MESSAGE).castTo<PresentableMessage[]>();
}

import { query } from '../support/database.ts';
import { CONVERSATIONS, SHOP } from './workload.ts';

/** Inserts the shop, its customers and one conversation with each customer. */
export async function createConversations(url: string): Promise<void> {
  await query(
    url,
    `insert into participants (address, address_type)
     select address, 'phone' from (
       select $1 as address union all select '+1804' || 5550000 + n from generate_series(0, $2::int - 1) as n) as addresses`,
    [SHOP, CONVERSATIONS],
  );
  await query(
    url,
    `with made as (
       insert into conversations (channel, participant_ids)
       select 'sms', array[least(shop.id, customer.id), greatest(shop.id, customer.id)]
       from participants as shop, participants as customer where shop.address = $1 and customer.address <> $1
       order by customer.id returning id, participant_ids)
     insert into conversation_participants select id, unnest(participant_ids) from made`,
    [SHOP],
  );
  await query(url, 'vacuum analyze');
}

const MESSAGES_PER_CONVERSATION = 50;
const CHUNK = 50_000;

/** Fills the database up to `total` messages, 50 per conversation, each with one unique word. */
export async function fillUpTo(url: string, total: number): Promise<void> {
  const [row] = await query<{ count: string }>(url, 'select count(*) from messages');
  for (let from = Number(row?.count); from < total; from += CHUNK) {
    await query(
      url,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
         provider, provider_message_id, segments, "timestamp", payload)
       select conversations.id, participant_ids[2], 'inbound', 'sms', address, array[$1], 'About my parcel number' || n || ': when will it be here?',
         '{}', '{}', 'filler', 'filler-' || n, 1, now(), '{}'
       from generate_series($2::int, $3::int - 1) as n
       join conversations on conversations.id = 1 + n / ${MESSAGES_PER_CONVERSATION} % ${CONVERSATIONS}
       join participants on participants.id = participant_ids[2]
       order by n`,
      [SHOP, from, Math.min(from + CHUNK, total)],
    );
  }
  await query(
    url,
    `update conversations set message_count = counted.messages, last_message_at = counted.at
     from (select conversation_id, count(*) as messages, max(created_at) as at from messages group by 1) as counted
     where conversations.id = counted.conversation_id`,
  );
  await query(url, 'vacuum analyze');
}

export async function countMessages(url: string): Promise<number> {
  const [row] = await query<{ count: string }>(url, 'select count(*) from messages');
  return Number(row?.count);
}

import { query } from './database.ts';

export interface ManyMessages {
  /** The number of the person. */
  person: string;
  ours: string;
  /** In one conversation with `ours`; then one message in each of `conversations` with other numbers of ours. */
  messages: number;
  conversations: number;
  /** A text that each message, payload and receipt has. */
  mark: string;
}

/**
 * Adds messages of one person by SQL, in both directions, with deliveries, attempts, receipts and events, as the service records
 * them. A conversation with `ours` exists.
 */
export async function addManyMessages(
  databaseUrl: string,
  { person, ours, messages, conversations, mark }: ManyMessages,
): Promise<void> {
  await query(
    databaseUrl,
    `insert into participants (address, address_type)
     select '+1206' || lpad(n::text, 7, '0'), 'phone' from generate_series(2000001, 2000000 + ${conversations}) as n`,
  );
  await query(
    databaseUrl,
    `with person as (select id from participants where address = $1), made as (
       insert into conversations (channel, participant_ids)
       select 'sms', array[person.id, ours.id] from person, participants as ours where ours.address like '+12062%'
       returning id, participant_ids
     )
     insert into conversation_participants select id, unnest(participant_ids) from made`,
    [person],
  );
  await query(
    databaseUrl,
    `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, provider,
       provider_message_id, payload, "timestamp")
     select pair.id, case when is_inbound then person.id else ours.id end, case when is_inbound then 'inbound' else 'outbound' end,
       'sms', case when is_inbound then person.address else ours.address end,
       array[case when is_inbound then ours.address else person.address end],
       '${mark} ' || n, '{}', '{}', case when is_inbound then 'text-co' end, case when is_inbound then 'many-' || n end,
       case when is_inbound then jsonb_build_object('text', '${mark}', 'from', person.address) end, now()
     from (select * from participants where address = $1) as person
     cross join lateral (
       select n, n % 2 = 0 as is_inbound, case
         when n <= ${messages} then $2 else '+1206' || lpad((2000000 + n - ${messages})::text, 7, '0') end as ours
       from generate_series(1, ${messages + conversations}) as n
     ) as numbered
     join participants as ours on ours.address = numbered.ours
     join conversations as pair on pair.participant_ids = array[least(person.id, ours.id), greatest(person.id, ours.id)]
     order by n`,
    [person, ours],
  );
  await query(
    databaseUrl,
    `insert into deliveries (message_id, conversation_id, channel, status, error, provider, provider_message_id, delivery_key,
       expires_at, attempt_count, recipient_hashes)
     select id, conversation_id, 'sms', 'undelivered', jsonb_build_object('code', '30003', 'detail', '${mark} ' || ("to")[1]),
       'text-co', 'sent-' || id, gen_random_uuid(), now(), 1, array[''::bytea]
     from messages where body like '${mark} %' and direction = 'outbound'`,
  );
  await query(
    databaseUrl,
    `with receipt as (
       insert into delivery_receipts (provider, provider_message_id, message_id, status, error, occurred_at, payload)
       select provider, provider_message_id, message_id, 'undelivered', error, now(), jsonb_build_object('text', '${mark}')
       from deliveries where provider_message_id like 'sent-%'
     ), attempt as (
       insert into delivery_attempts (message_id, number, provider, started_at, outcome, detail)
       select message_id, 1, provider, now(), 'accepted', '${mark}' from deliveries where provider_message_id like 'sent-%'
     )
     insert into event_inbox (type, subject_id, conversation_id, changes)
     select 'message.undelivered', message_id, conversation_id, jsonb_build_object('status', status, 'error', error)
     from deliveries where provider_message_id like 'sent-%'`,
  );
  await query(databaseUrl, 'vacuum analyze');
}

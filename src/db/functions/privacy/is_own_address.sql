-- Whether the participant has sent the outbound messages in most of its conversations: the product sends from this address, also
-- where an account has every sender. Reads the first 100 messages of the 20 newest conversations at most: the retention may have
-- deleted the messages of the oldest.
create or replace function is_own_address(participant bigint) returns boolean
language sql stable
set search_path from current
set enable_seqscan = off as $$
  select 2 * count(*) filter (where sent.sender_id = participant) > count(*)
  from (
    select conversation_id from conversation_participants where participant_id = participant
    order by conversation_id desc limit 20
  ) as conversation
  cross join lateral (
    select sender_id
    from (select sender_id, direction from messages where conversation_id = conversation.conversation_id order by id limit 100) as early
    where direction = 'outbound' limit 1
  ) as sent
$$;

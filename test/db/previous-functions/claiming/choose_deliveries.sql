-- Chooses at most `wanted` due deliveries within the limits of the accounts, of the retries and of the memory, each for the
-- first route that finds the delivery (claim_deliveries). The caller has locked the rate limits.
create or replace function choose_deliveries(
  routes json, wanted int, wanted_retries int, at timestamptz, longest_delay interval) returns table (
  message_id bigint, n int, provider text, per_second float8, per_second_per_sender float8, status text,
  sender_slot_at timestamptz, send_order bigint)
language plpgsql rows 50
set search_path from current
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- The maximum bytes of the bodies in one claim; a larger body is claimed alone.
  max_bytes constant bigint := 33554432;
begin
  return query
  with due as materialized (
    select * from find_due_deliveries(routes, wanted_retries, at, longest_delay)
  ), per_kind as (
    select *, row_number() over (partition by provider, is_retry order by due_order, n, message_id) as nth_of_kind
    from (select distinct on (message_id) * from due order by message_id, n) as distinct_deliveries
  ), counted as (
    select *, row_number() over (
      partition by provider
      order by case first when 'new' then is_retry when 'retry' then not is_retry end, due_order, n, message_id) as nth
    from per_kind where not is_retry or nth_of_kind <= retries
  ), allowed as (
    select *, row_number() over (partition by is_retry order by next_attempt_at, n, message_id) as nth_of_all
    from counted where nth <= free
  ), sized as (
    -- octet_length does not read the text.
    select allowed.*, row_number() over sending as send_order, sum(octet_length(body)) over sending as bytes
    from allowed join messages on messages.id = message_id
    where not is_retry or nth_of_all <= wanted_retries
    window sending as (order by next_attempt_at, n, message_id)
  )
  select message_id, n, provider, per_second, per_second_per_sender, status, sender_slot_at, send_order
  from sized where send_order <= wanted and (send_order = 1 or bytes <= max_bytes);
end $$;

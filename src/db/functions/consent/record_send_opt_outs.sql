-- Records the recipients that a provider refused because they have opted out. `input` has {id, number, provider, outcome,
-- class, started_at} for each settled attempt. A message with several recipients is skipped, because the refusal names none of them.
create or replace function record_send_opt_outs(input json) returns void
language plpgsql
set search_path from current
set enable_seqscan = off as $$
begin
  insert into opt_outs (account, address, sender, action, source, message_id, attempt, occurred_at)
  select attempt.provider, "to"[1], "from", 'stop', 'send', messages.id, number, started_at
  from json_to_recordset(input) as attempt(
    id bigint, number int, provider text, outcome text, class text, started_at timestamptz)
  join messages using (id)
  where outcome = 'rejected' and class = 'opted_out' and cardinality("to" || cc || bcc) = 1
  on conflict do nothing;
end $$;

-- Begins the erasure of a participant, or of all participants of the person (`whole`). From the commit, the addresses belong to nobody:
-- the next message from or to them makes a new participant. If all of them are erased already, returns their last erasure. `by` is the
-- API key; the addresses `own`, in lower case, and those of is_own_address are not erased.
-- `refusal`: `not_found`, or `own_address`.
create or replace function request_erasure(wanted bigint, whole boolean, by text, own text[], out erasure bigint, out refusal text)
language plpgsql
set search_path from current
set enable_seqscan = off as $$
declare
  members bigint[];
  targets bigint[];
  given text[];
begin
  -- No other transaction adds or links participants, or begins an erasure.
  perform lock_people();
  select array_agg(other.id order by other.id), array_agg(other.id order by other.id) filter (where other.erased_at is null),
    array_agg(other.address order by other.id) filter (where other.erased_at is null), max(other.erasure_id)
  into members, targets, given, erasure
  from participants as one join participants as other
    on other.id = one.id or whole and (other.id = one.person_id or other.person_id = coalesce(one.person_id, one.id))
  where one.id = wanted;
  if members is null then
    refusal := 'not_found';
  elsif array(select lower(address) from unnest(given) as address) && own
    or exists (select from unnest(targets) as target(id) where is_own_address(target.id)) then
    refusal := 'own_address';
  elsif targets is not null then
    insert into erasures (participant_id, participant_ids, addresses, person, step, actor)
    values (wanted, targets, given, whole, 'messages', by) returning id into erasure;
    -- Waits for transactions that record messages of these participants.
    update participants
    set address = 'erased-' || id, address_type = 'other', name = null, external_id = null, metadata = '{}',
        erased_at = clock_timestamp(), erasure_id = erasure, updated_at = clock_timestamp()
    where id = any(targets);
    perform note_erasure();
    perform pg_notify('participants_erased', '');
  end if;
end $$;

-- Begins the erasure of a participant, or of all participants of the person (`whole`). If all of them are erased already, or are
-- being erased, returns their last erasure. `by` is the API key; the addresses `own`, in lower case, and those of is_own_address
-- are not erased.
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
  select array_agg(other.id order by other.id), array_agg(other.id order by other.id) filter (where other.erasure_id is null),
    array_agg(other.address order by other.id) filter (where other.erasure_id is null), max(other.erasure_id)
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
    values (wanted, targets, given, whole, 'webhooks', by) returning id into erasure;
    update participants set erasure_id = erasure where id = any(targets);
  end if;
end $$;

-- Whether an address is that of an erased participant (request_erasure), which no other participant can have. Without SET, so that
-- the planner inlines it.
create or replace function is_erased(address text) returns boolean
language sql immutable as $$
  select address ~ '^erased-[0-9]+$'
$$;

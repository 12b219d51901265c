-- Whether an account may take over deliveries with this list of accounts (takeover_lists) that are assigned to another
-- account: every account can send them or this account is in the list, and no `preferred` account, an available account that
-- precedes this account, can send them. Without SET, so that the planner inlines it.
create or replace function is_reassignable(accounts text[], account text, preferred text[]) returns boolean
language sql immutable as $$
  select case
    when accounts = '{}' then preferred = '{}'
    else account = any(accounts) and not accounts && preferred
  end
$$;

-- Whether an account may take over a due delivery that is assigned to another account: every account can send the message
-- (`accounts` is null) or this account is in the list, and no `preferred` account, an available account that precedes this
-- account, can send the message. Without SET, so that the planner inlines it.
create or replace function is_reassignable(delivery deliveries, account text, preferred text[], at timestamptz)
  returns boolean
language sql immutable as $$
  select delivery.expires_at > at and case
    when delivery.accounts is null then preferred = '{}'
    else account = any(delivery.accounts) and not delivery.accounts && preferred
  end
$$;

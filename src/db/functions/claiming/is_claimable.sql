-- Whether a due delivery may be claimed: by a route that reassigns deliveries, only if no provider can have received the
-- message; after the expiry, only to find out whether the message was sent; only if the ledger of suppressions can be checked.
-- Without SET, so that the planner inlines it.
create or replace function is_claimable(delivery deliveries, reassignable boolean, at timestamptz) returns boolean
language sql immutable as $$
  select (not reassignable or (delivery.status = 'queued' and not delivery.may_have_been_sent))
    and delivery.recipient_hashes is not null
    and (delivery.status = 'sending' or delivery.may_have_been_sent or delivery.expires_at > at)
$$;

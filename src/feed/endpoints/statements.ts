import { storedFunction } from '../../db/functions.ts';
import { FEED_MOVED } from '../event.ts';

/** One creation at a time counts the endpoints. */
export const LOCK = `select pg_advisory_xact_lock(hashtext('endpoints'))`;
export const COUNT = 'select count(*) as endpoints from endpoints where deleted_at is null';
export const INSERT = {
  name: 'insert-endpoint',
  text: `
    insert into endpoints (url, description, event_types, enabled, disabled_reason, disabled_at, secret, position)
    select $1, $2, $3::text[], $4::boolean, case when not $4 then 'request' end, case when not $4 then now() end, $5, last_position
    from feed_state
    returning id`,
};
/**
 * A field that is null stays as it is, except the description, which $4 replaces if $3 is true. A new URL or `enabled: true`
 * ends the pause, and makes every pending delivery due.
 */
export const UPDATE = {
  name: 'update-endpoint',
  text: `
    with changed as (
      update endpoints
      set url = coalesce($2, url), description = case when $3::boolean then $4 else description end,
          event_types = coalesce($5::text[], event_types), enabled = coalesce($6::boolean, enabled),
          disabled_reason = case when not coalesce($6, enabled) then coalesce(disabled_reason, 'request') end,
          disabled_at = case when not coalesce($6, enabled) then coalesce(disabled_at, now()) end,
          failing_since = case when $6 is distinct from true and coalesce($2, url) = url then failing_since end,
          paused_until = case when $6 is distinct from true and coalesce($2, url) = url then paused_until end,
          updated_at = now()
      where id = $1 and deleted_at is null
      returning id
    ), due as (
      update endpoint_deliveries set next_attempt_at = now()
      from changed
      where endpoint_id = changed.id and status = 'pending' and lease is null and next_attempt_at > now()
        and ($6 or $2 is not null)
    )
    select id, pg_notify('${FEED_MOVED}', '') from changed`,
};
export const ROTATE = {
  name: 'rotate-endpoint-secret',
  text: `
    update endpoints
    set previous_secret = secret, previous_secret_expires_at = now() + interval '24 hours', secret = $2, updated_at = now()
    where id = $1 and deleted_at is null
    returning id`,
};
/** The secrets are of no use any more. A late attempt finds no endpoint that is enabled. */
export const DELETE = {
  name: 'delete-endpoint',
  text: `
    update endpoints
    set deleted_at = now(), enabled = false, disabled_reason = coalesce(disabled_reason, 'request'),
        disabled_at = coalesce(disabled_at, now()), secret = '', previous_secret = null, previous_secret_expires_at = null
    where id = $1 and deleted_at is null
    returning id`,
};
/** The rows of most endpoints are deleted at once; the retention of events deletes the others. */
export const DELETE_HISTORY = {
  name: 'delete-endpoint-history',
  text: `select ${storedFunction('delete_endpoint_history')}(0, 10000)`,
};

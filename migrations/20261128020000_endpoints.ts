import type { Knex } from 'knex';

/** URLs that receive events as webhooks. The functions that deliver are in src/db/functions/endpoints. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(ENDPOINTS);
}

/** Knex requires this function. Migrations only go forward: restore a backup instead. */
export async function down(): Promise<void> {
  throw new Error('Migrations cannot be reverted.');
}

const ENDPOINTS = `
  create table endpoints (
    id bigint generated always as identity primary key,
    url text not null,
    description text,
    -- Empty for every type.
    event_types text[] not null default '{}',
    enabled boolean not null default true,
    disabled_reason text check (disabled_reason in ('request', 'gone', 'failing')),
    disabled_at timestamptz(3),
    secret text not null,
    -- Also signs, for a time after a rotation.
    previous_secret text,
    previous_secret_expires_at timestamptz(3),
    -- Deliveries of the events up to this position of the feed exist.
    position bigint not null,
    -- The first failed try since the last success.
    failing_since timestamptz(3),
    -- No try before this time, because the endpoint asked for fewer requests.
    paused_until timestamptz(3),
    created_at timestamptz(3) not null default now(),
    -- The last change of url, description, event_types, enabled or secret.
    updated_at timestamptz(3) not null default now(),
    -- The endpoint is disabled and not shown any more. delete_endpoint_history deletes its rows.
    deleted_at timestamptz(3),
    check (enabled = (disabled_reason is null) and enabled = (disabled_at is null)),
    check ((previous_secret is null) = (previous_secret_expires_at is null)),
    check (deleted_at is null or not enabled)
  );

  -- The delivery of each dispatched event. The events are in partitions that are dropped, so there is no foreign key.
  create table endpoint_deliveries (
    endpoint_id bigint not null references endpoints on delete cascade,
    event_id bigint not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    -- All tries, also before a replay.
    attempt_count int not null default 0,
    -- attempt_count at the start of the present schedule: 0, or the tries before the last replay.
    schedule_start int not null default 0,
    -- While the row is leased, the end of the lease; null if the delivery is not pending.
    next_attempt_at timestamptz(3) default now(),
    -- Identifies the claim of the worker that makes a try.
    lease uuid,
    created_at timestamptz(3) not null default now(),
    primary key (endpoint_id, event_id),
    check ((status = 'pending') = (next_attempt_at is not null)),
    check (lease is null or status = 'pending')
  )
  -- Finished deliveries leave dead rows at the beginning of the index of due deliveries, where every claim starts.
  with (autovacuum_vacuum_scale_factor = 0.02);
  create index endpoint_deliveries_due_idx on endpoint_deliveries (endpoint_id, next_attempt_at) where status = 'pending';
  create index endpoint_deliveries_failed_idx on endpoint_deliveries (endpoint_id) where status = 'failed';

  create table endpoint_attempts (
    id bigint generated always as identity primary key,
    endpoint_id bigint not null references endpoints on delete cascade,
    event_id bigint not null,
    -- From 1 for each event; a replay continues to count.
    number int not null,
    started_at timestamptz(3) not null,
    -- Null if the process ended during the try.
    duration_ms int,
    outcome text not null check (outcome in ('succeeded', 'failed')),
    status_code int,
    error_code text,
    detail text,
    response_body text,
    check ((outcome = 'succeeded') = (error_code is null))
  );
  create index endpoint_attempts_endpoint_id_idx on endpoint_attempts (endpoint_id, id);
  create index endpoint_attempts_event_id_idx on endpoint_attempts (endpoint_id, event_id, number);
  create index endpoint_attempts_failed_idx on endpoint_attempts (endpoint_id, id) where outcome = 'failed';
`;

import type { Knex } from 'knex';
import { amended, type Change, CLAIMING, SETTLING } from './20260601000000_late_and_refused.ts';

/** An attempt whose worker died has its row too, written by whoever takes the message over. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table delivery_attempts alter duration_ms drop not null;
    comment on column delivery_attempts.duration_ms is 'Null while its worker has not told how it ended.';
  `);
  await replace(knex, [
    amended(SETTLING, [WHAT_BECOMES_OF_THE_MESSAGE_FIRST, THEN_WHAT_THE_ATTEMPT_WAS]),
    amended(CLAIMING, [...KNOWING_WHAT_IS_TAKEN_OVER, AND_WRITING_IT_DOWN]),
  ]);
}

export async function down(knex: Knex): Promise<void> {
  await replace(knex, [SETTLING, CLAIMING]);
  await knex.raw(`
    delete from delivery_attempts where duration_ms is null;
    alter table delivery_attempts alter duration_ms set not null;
    comment on column delivery_attempts.duration_ms is null;
  `);
}

async function replace(knex: Knex, functions: string[]): Promise<void> {
  await knex.raw('drop function settle_deliveries, claim_deliveries');
  for (const text of functions) await knex.raw(text);
}

const COLUMNS = `provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id`;

/**
 * Before its attempt is written, so that a claim either waits for nobody or passes the message by: it writes the
 * same row for a message that it takes over.
 */
const WHAT_BECOMES_OF_THE_MESSAGE_FIRST: Change = [
  `
    ), added as (
      insert into delivery_attempts (message_id, number, provider, started_at, duration_ms, outcome, http_status, code,
        detail, provider_message_id, next_attempt_at)
      select id, number, provider, started_at, duration_ms, outcome, http_status, code, detail, provider_message_id,
        next_attempt_at
      from attempt
      on conflict do nothing
    )`,
  `
    )`,
];

const THEN_WHAT_THE_ATTEMPT_WAS: Change = [
  `

    -- Makes the providers that asked for it wait, for everyone.`,
  `

    insert into delivery_attempts as told (message_id, number, ${COLUMNS}, next_attempt_at)
    select id, number, ${COLUMNS}, next_attempt_at
    from json_to_recordset(input) as attempt(
      id bigint, number int, provider text, started_at timestamptz, duration_ms float8, outcome text, http_status int,
      code text, detail text, provider_message_id text, next_attempt_at timestamptz)
    -- Its message was taken over meanwhile; when the next attempt was due stays as it is.
    on conflict (message_id, number) do update
    set (${COLUMNS}) = row(${COLUMNS.replaceAll(/\w+/g, 'excluded.$&')})
    where told.duration_ms is null;

    -- Makes the providers that asked for it wait, for everyone.`,
];

const KNOWING_WHAT_IS_TAKEN_OVER: Change[] = [
  [
    `
    ids bigint[];
`,
    `
    ids bigint[];
    -- Those that a worker took before and did not tell of by the end of its lease.
    taken_over bigint[];
`,
  ],
  [
    `select lane.*, message_id, next_attempt_at, sender_slot_at
`,
    `select lane.*, message_id, status, next_attempt_at, sender_slot_at
`,
  ],
  [
    `select message_id, next_attempt_at, sender_slot_at from deliveries
`,
    `select message_id, status, next_attempt_at, sender_slot_at from deliveries
`,
  ],
  [
    `
    into ids, lane_numbers, providers, rates, senders, sender_rates
`,
    `,
      array_agg(message_id) filter (where status = 'sending')
    into ids, lane_numbers, providers, rates, senders, sender_rates, taken_over
`,
  ],
];

const AND_WRITING_IT_DOWN: Change = [
  `

    return query
`,
  `

    if taken_over is not null then
      insert into delivery_attempts (message_id, number, provider, started_at, outcome, code, detail, next_attempt_at)
      select message_id, attempt_count, provider, updated_at, 'unknown', 'worker_lost',
        'The worker did not tell how it ended', greatest(next_attempt_at, at)
      from deliveries where message_id = any(taken_over)
      on conflict do nothing;
    end if;

    return query
`,
];

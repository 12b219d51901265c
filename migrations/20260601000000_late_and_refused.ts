import type { Knex } from 'knex';
import * as deliveries from './20260401000000_deliveries.ts';
import * as claiming from './20260501000000_claiming.ts';

/** What is refused leaves nothing behind; what is put off, or comes late, stops nobody and is not lost. */
export async function up(knex: Knex): Promise<void> {
  await replace(knex, [amended(deliveries.RECORDING, [WITHOUT_EMPTY_CONVERSATIONS]), SETTLING, CLAIMING]);
}

export async function down(knex: Knex): Promise<void> {
  await replace(knex, [deliveries.RECORDING, deliveries.SETTLING, claiming.CLAIMING]);
}

async function replace(knex: Knex, functions: string[]): Promise<void> {
  await knex.raw('drop function record_messages, settle_deliveries, claim_deliveries');
  for (const text of functions) await knex.raw(text);
}

export type Change = [before: string, after: string];

export function amended(text: string, changes: Change[]): string {
  return changes.reduce((amending, [before, after]) => {
    if (amending.split(before).length !== 2) throw new Error(`Not once in the function: ${before}`);
    return amending.replace(before, () => after);
  }, text);
}

const WITHOUT_EMPTY_CONVERSATIONS: Change = [
  `
    if false = any(created) then`,
  `
    if false = any(created) then
      -- Those that were made here for a repeat, whose message is in another one; nobody else has seen them.
      delete from conversation_participants where conversation_id in (
        select id from conversations
        where id = any(own) and message_count = 0 and xmin = pg_current_xact_id()::xid);
      delete from conversations where id = any(own) and message_count = 0 and xmin = pg_current_xact_id()::xid;`,
];

const WHAT_COMES_LATE: Change = [
  `
    where deliveries.message_id = attempt.id and deliveries.status = 'sending'
      and deliveries.attempt_count = attempt.number;`,
  `
    where deliveries.message_id = attempt.id and (
      deliveries.status = 'sending' and deliveries.attempt_count = attempt.number
      -- That the provider took it is the answer to what nobody could tell meanwhile.
      or deliveries.status = 'unknown' and attempt.status = 'sent' and deliveries.provider = attempt.provider);`,
];

/** One whose time has run out is asked about all the same, where it may be there: see `timed.ts`. */
const WHAT_MAY_BE_ASKED_ABOUT: Change = [
  `(status = 'sending' or expires_at > at)`,
  `(status = 'sending' or may_have_been_sent or expires_at > at)`,
];

const UNTIL_ONE_IS_READY: Change[] = [
  [
    `
    at := clock_timestamp();
`,
    `
    at := clock_timestamp();

    -- Those that are put off are not what was asked for: others are looked at, until there is one that may go.
    for tries in 1..64 loop
`,
  ],
  [
    `
    where slot_at > at + longest_hold and message_id = put_off.id;`,
    `
    where slot_at > at + longest_hold and message_id = put_off.id;
    exit when at + longest_hold >= any(sender_slots);
    end loop;`,
  ],
];

export const SETTLING = amended(deliveries.SETTLING, [WHAT_COMES_LATE]);
export const CLAIMING = amended(claiming.CLAIMING, [WHAT_MAY_BE_ASKED_ABOUT, ...UNTIL_ONE_IS_READY]);

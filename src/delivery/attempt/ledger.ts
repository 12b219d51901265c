import type pg from 'pg';
import { storedFunction } from '../../db/functions.ts';
import { execute } from '../../db/transaction.ts';
import type { Events } from '../../observability/events.ts';
import type { Claimed } from '../claim.ts';

/** The recipients of a claimed message whom the ledger stops. Positions are those in `to`, `cc` and `bcc`, from 1. */
export interface ClaimCheck {
  /** The recipients who are left out of every call. */
  leftOut: readonly number[];
  /** The recipients whom an earlier call has reached, or who were refused for good: the headers of an email still name them. */
  settled: readonly number[];
  /** Whether an earlier call, which may have been accepted, had a recipient who is suppressed now: no further call is made. */
  isSuppressed: boolean;
  /** Why the first of these recipients is suppressed, for the error of the message. */
  detail: string | null;
}

export type ChecksById = ReadonlyMap<number, ClaimCheck>;

type Checked = Pick<Claimed, 'id' | 'attempt_count' | 'may_have_been_sent'>;

const LEAVE_OUT = {
  name: 'leave-out-suppressed',
  text: `select * from ${storedFunction('leave_out_suppressed')}($1, $2, $3) order by message_id, position`,
};

const IS_SUPPRESSED = {
  name: 'is-suppressed',
  text: `select from ${storedFunction('suppressed_recipients')}(array[$1::bigint]) limit 1`,
};

interface Found {
  message_id: number;
  position: number;
  detail: string;
  is_left_out: boolean;
  is_settled: boolean;
}

/** Max time of a check during a call, in milliseconds: a lease has no time for more (`LEASE_MARGIN_MS`). */
const PATIENCE_MS = 750;

const NOBODY: ClaimCheck = { leftOut: [], settled: [], isSuppressed: false, detail: null };

/** Checks claimed messages against the ledger of suppressions. A check that fails allows nothing. */
export class Ledger {
  readonly #pool: pg.Pool;
  readonly #events: Events;

  constructor(pool: pg.Pool, events: Events) {
    this.#pool = pool;
    this.#events = events;
  }

  /**
   * Checks messages after the commit of their claim, with one statement: a request to stop that was committed before the claim
   * is found. Returns null if the ledger could not be read.
   */
  check(messages: readonly Checked[]): Promise<ChecksById | null> {
    return this.#unlessFailed(this.#leaveOut(messages, false));
  }

  /**
   * Checks one message, of which the provider has confirmed that no earlier attempt was accepted. Returns null if the ledger could
   * not be read in time.
   */
  async checkUnsent(message: Checked): Promise<ClaimCheck | null> {
    const unsent = { ...message, may_have_been_sent: false };
    return (await this.#unlessFailed(inTime(this.#leaveOut([unsent], true))))?.get(message.id) ?? null;
  }

  /** Whether a call may repeat its request: no recipient has become suppressed since the check. */
  async mayContinue({ id }: Pick<Claimed, 'id'>): Promise<boolean> {
    const found = await this.#unlessFailed(inTime(execute(this.#pool, IS_SUPPRESSED, [id])));
    return found?.rows.length === 0;
  }

  async #leaveOut(messages: readonly Checked[], isUnsent: boolean): Promise<ChecksById> {
    if (messages.length === 0) return new Map();
    const ids = messages.map(({ id }) => id);
    const attempts = messages.map(({ attempt_count }) => attempt_count);
    const { rows } = await execute<Found>(this.#pool, LEAVE_OUT, [ids, attempts, isUnsent]);
    const found = Map.groupBy(rows, (row) => row.message_id);
    return new Map(messages.map((message) => [message.id, checkOf(message, found.get(message.id))]));
  }

  async #unlessFailed<T>(reading: Promise<T>): Promise<T | null> {
    try {
      return await reading;
    } catch (error) {
      this.#events.failed('ledger', error);
      return null;
    }
  }
}

/** Rejects after `PATIENCE_MS`. */
async function inTime<T>(reading: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const fail = () => late.reject(new Error(`The ledger was not read within ${PATIENCE_MS} ms`));
  const timer = setTimeout(fail, PATIENCE_MS);
  return Promise.race([reading, late.promise]).finally(() => clearTimeout(timer));
}

function checkOf({ may_have_been_sent }: Checked, rows: Found[] = []): ClaimCheck {
  if (rows.length === 0) return NOBODY;
  const [found, settled] = [rows.filter((row) => !row.is_settled), rows.filter((row) => row.is_settled)];
  const leftOut = may_have_been_sent ? found.filter((recipient) => recipient.is_left_out) : found;
  return {
    leftOut: leftOut.map(({ position }) => position),
    settled: settled.map(({ position }) => position),
    isSuppressed: leftOut.length < found.length,
    detail: found[0]?.detail ?? null,
  };
}

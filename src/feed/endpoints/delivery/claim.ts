import type pg from 'pg';
import { storedFunction } from '../../../db/functions.ts';
import { execute } from '../../../db/transaction.ts';
import type { EventRow, EventType } from '../../event.ts';
import { UNTRIED } from './limited-endpoint.ts';
import type { FreeAttempts } from './limits.ts';
import { MAX_ATTEMPTS } from './schedule.ts';

/** If a worker dies, its deliveries wait for the rest of the lease. */
export const LEASE_MS = 30_000;
/** An attempt must begin within this time after the claim, so that it ends and is settled within the lease. */
export const START_MS = 9_000;

/** A delivery that this process may try until the end of its lease. */
export interface Claimed extends Omit<EventRow, 'id' | 'type'> {
  endpoint_id: number;
  event_id: number;
  /** Identifies the claim. */
  lease: string;
  /** The number of the attempt for this event, from 1. */
  number: number;
  /** The number of the attempt in the present schedule, from 1. */
  attempt: number;
  url: string;
  /** Whether the last attempt of the endpoint failed, before the claim. */
  is_failing: boolean;
  secret: string;
  /** Null if there is none or its time has ended. */
  previous_secret: string | null;
  /** Null if the event is not kept any more. */
  type: EventType | null;
  /** The trace context of the request that sent the message of the event. */
  traceparent: string | null;
}

const CLAIM = {
  name: 'claim-endpoint-deliveries',
  text: `
    select * from ${storedFunction('claim_endpoint_deliveries')}($1, ${UNTRIED}, $2, $3, $4, ${MAX_ATTEMPTS}, ${LEASE_MS})`,
};
const RELEASE = {
  name: 'release-endpoint-delivery',
  text: `
    update endpoint_deliveries
    set lease = null, attempt_count = attempt_count - 1, next_attempt_at = statement_timestamp() + $4 * interval '1 millisecond'
    where endpoint_id = $1 and event_id = $2 and lease = $3`,
};
const REMOVE = {
  name: 'remove-endpoint-delivery',
  text: 'delete from endpoint_deliveries where endpoint_id = $1 and event_id = $2 and lease = $3',
};
const END_LEASES = `select ${storedFunction('end_endpoint_leases')}(${LEASE_MS})`;

/** Claims at most `wanted` due deliveries. */
export async function claimDeliveries(
  pool: pg.Pool,
  wanted: number,
  { ids, limits, failing }: FreeAttempts,
): Promise<Claimed[]> {
  return (await execute<Claimed & pg.QueryResultRow>(pool, CLAIM, [wanted, ids, limits, failing])).rows;
}

/** Ends the lease of a delivery that was not tried. The delivery is due after `delayMs` milliseconds. */
export async function releaseDelivery(
  pool: pg.Pool,
  { endpoint_id, event_id, lease }: Claimed,
  delayMs: number,
): Promise<void> {
  await execute(pool, RELEASE, [endpoint_id, event_id, lease, delayMs]);
}

/** Removes a delivery whose event has no content any more. */
export async function removeDelivery(
  pool: pg.Pool,
  { endpoint_id, event_id, lease }: Claimed,
): Promise<void> {
  await execute(pool, REMOVE, [endpoint_id, event_id, lease]);
}

/** Ends all leases. May be called only if no process attempts deliveries of this database, so that their workers are lost. */
export async function endEndpointLeases(pool: pg.Pool): Promise<void> {
  await pool.query(END_LEASES);
}

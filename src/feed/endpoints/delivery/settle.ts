import type pg from 'pg';
import { coalesce } from '../../../db/batch/coalesce.ts';
import { retrySingly } from '../../../db/batch/retry-singly.ts';
import { storedFunction } from '../../../db/functions.ts';
import { execute } from '../../../db/transaction.ts';
import type { Events } from '../../../observability/events.ts';
import { settleWithin } from '../../../outbox/settle.ts';
import type { EndpointResult } from '../send.ts';
import { type Claimed, LEASE_MS } from './claim.ts';
import { nextAttemptInMs } from './schedule.ts';

/** A finished attempt. */
export interface Settlement {
  claimed: Claimed;
  startedAt: Date;
  result: EndpointResult;
  /** The time for which no worker may try the endpoint, in milliseconds; null for no such time. */
  pauseMs: number | null;
}

export interface SettlerOptions {
  pool: pg.Pool;
  events: Events;
  /** Called after the commit of an event about an endpoint. */
  onEvent: () => void;
}

const LIMITS = { maxBatch: 256, maxQueue: Number.POSITIVE_INFINITY, parallel: 1 };
/** The endpoint wants no further events (Standard Webhooks). */
const GONE = 410;

const SETTLE = {
  name: 'settle-endpoint-attempts',
  text: `select * from ${storedFunction('settle_endpoint_attempts')}($1)`,
};

/** Settles attempts in batches. */
export function createSettler({ pool, events, onEvent }: SettlerOptions) {
  const settling = coalesce(
    retrySingly(async (settlements: Settlement[]) => {
      const { rows } = await execute<{ endpoint_id: number; reason: string }>(pool, SETTLE, [
        JSON.stringify(settlements.map(toRow)),
      ]);
      for (const { endpoint_id: endpointId, reason } of rows) events.endpointDisabled({ endpointId, reason });
      if (rows.length > 0) onEvent();
      return settlements.map(() => undefined);
    }),
    LIMITS,
  );
  return async function settle(settlement: Settlement): Promise<void> {
    const leaseEndsAt = settlement.startedAt.getTime() + LEASE_MS;
    const onError = (error: unknown) => events.failed('settle_endpoint_attempts', error);
    await settleWithin(() => settling.add(settlement), leaseEndsAt, onError);
  };
}

function toRow({ claimed, startedAt, result, pauseMs }: Settlement) {
  const { outcome, statusCode, error, durationMs, responseBody, retryAfterMs } = result;
  const isLost = error?.code === 'worker_lost';
  return {
    endpoint_id: claimed.endpoint_id,
    event_id: claimed.event_id,
    lease: claimed.lease,
    number: claimed.number,
    url: claimed.url,
    started_at: startedAt,
    duration_ms: isLost ? null : durationMs,
    outcome,
    status_code: statusCode,
    error_code: error?.code ?? null,
    detail: error?.detail ?? null,
    response_body: responseBody,
    retry_ms: outcome === 'succeeded' ? null : retryMs(claimed, isLost, retryAfterMs ?? 0),
    pause_ms: pauseMs,
    is_gone: statusCode === GONE,
  };
}

/** An aborted attempt is repeated at once, by another process. */
function retryMs(claimed: Claimed, isLost: boolean, leastMs: number): number | null {
  const delayMs = nextAttemptInMs(claimed.attempt, leastMs, Math.random());
  return delayMs !== null && isLost ? 0 : delayMs;
}

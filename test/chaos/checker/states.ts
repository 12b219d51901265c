import type { AcceptedMessage, Call, StoredAttempt } from './evidence.ts';
import type { Facts } from './facts.ts';

/** The only one of these states that a provider without callbacks, whose calls cannot be made to take long, always reaches. */
export const LOST_RESPONSE = 'calls that were accepted, and whose response was lost';
/** The final statuses of a receipt. */
const ENDS = new Set(['delivered', 'undelivered', 'bounced', 'failed']);
/** A killed process can run for some milliseconds after the event. */
const SLACK_MS = 250;

/**
 * Counts how often a run reached each state in which a service can lose a message or send a message twice: in the log of the
 * simulated providers, the attempts and the receipts.
 */
export function statesOf(facts: Facts): Record<string, number> {
  return {
    [LOST_RESPONSE]: facts.calls.filter(isLostResponse).length,
    'accepted messages with a lost callback': facts.accepted.filter(hasLostCallback).length,
    'messages with a callback before the response': callbacksBeforeResponse(facts),
    'leases that expired after a worker was killed during a call': expiredLeases(facts),
    'responses that were recorded after the end of the lease': lateResponses(facts),
  };
}

function isLostResponse({ method, message_id, status }: Call): boolean {
  return method === 'POST' && message_id !== null && (status === null || status >= 300);
}

/** A provider reports each message as `sent` and then with a final status, except at once as `failed`. */
function hasLostCallback({ receipts }: AcceptedMessage): boolean {
  const reported = receipts.filter(({ acknowledged }) => acknowledged > 0).map(({ status }) => status);
  const end = reported.find((status) => ENDS.has(status));
  return end === undefined || (end !== 'failed' && !reported.includes('sent'));
}

/** The accepted messages with a receipt before the end of the attempt that returned their id, or without such an attempt. */
function callbacksBeforeResponse({ accepted, stored }: Facts): number {
  const attempts = Map.groupBy(stored.attempts, ({ provider_message_id }) => provider_message_id);
  const receipts = Map.groupBy(stored.receipts, ({ provider_message_id }) => provider_message_id);
  return accepted.filter(({ id }) => {
    // Times are rounded to milliseconds.
    const end = Math.min(...(attempts.get(id) ?? []).map((attempt) => endOf(attempt) - 1));
    return (receipts.get(id) ?? []).some(({ received_at }) => received_at < end);
  }).length;
}

/** The attempts that another worker took over, with a call at the provider and a killed worker between both. */
function expiredLeases({ stored, attemptsOf, callsOf, events }: Facts): number {
  const kills = events.filter(({ kind }) => kind === 'worker killed');
  return stored.messages.filter(({ id, delivery_key }) => {
    const attempts = attemptsOf.get(id) ?? [];
    return attempts.some((lost) => {
      const next = attempts.find(({ number }) => number === lost.number + 1);
      if (lost.code !== 'worker_lost' || !next) return false;
      const between = ({ at }: { at: number }) => at >= lost.started_at - SLACK_MS && at < next.started_at;
      const call = (callsOf.get(delivery_key ?? '') ?? []).find(between);
      return call !== undefined && kills.some((kill) => between(kill) && kill.at >= call.at - SLACK_MS);
    });
  }).length;
}

/** No attempt follows an accepted attempt, unless the acceptance was recorded after another worker had taken over. */
function lateResponses({ stored, attemptsOf }: Facts): number {
  return stored.messages.filter(({ id }) => {
    const attempts = attemptsOf.get(id) ?? [];
    return attempts.some(
      ({ outcome, number }) => outcome === 'accepted' && attempts.some((later) => later.number > number),
    );
  }).length;
}

function endOf({ started_at, duration_ms }: StoredAttempt): number {
  return started_at + (duration_ms ?? 0);
}

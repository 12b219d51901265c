import { tokenIn } from './evidence.ts';
import { handled, wasInterrupted } from './facts.ts';
import { each, type Rule } from './finding.ts';

const SETTLED = new Set(['sent', 'delivered', 'undelivered', 'failed', 'canceled', 'unknown']);
const ENDS = new Set(['delivered', 'undelivered']);

const nothingIsStuck: Rule = ({ stored }) =>
  each(stored.messages, ({ id, body, status, due }) => {
    const named = `${tokenIn(body)}: message ${id} is ${status}`;
    if (!SETTLED.has(status)) return named;
    return due && `${named} and still due`;
  });

/** The end that a message had at its provider, by what the service has answered 2xx to. */
const agreesWithProvider: Rule = (facts) =>
  each(facts.stored.messages, ({ id, body, status, error, provider_message_id }) => {
    const token = tokenIn(body) ?? '';
    const named = `${token}: message ${id} is ${status}`;
    const taken = facts.takenByToken.get(token) ?? [];
    const own = taken.find((one) => one.id === provider_message_id);
    const end = own?.receipts.find((receipt) => ENDS.has(receipt.status) && receipt.taken > 0)?.status;
    if (status === 'sent') return end && `${named}, its provider reported ${end}`;
    if (ENDS.has(status)) return end !== status && `${named}, its provider reported ${end ?? 'no end'}`;
    if (status !== 'failed') return status === 'canceled' && `${named}, which nobody asked for`;
    if (taken.length > 0) return `${named}, but was taken as ${taken[0]?.id}`;
    const { refused, failing } = facts.sentByToken.get(token) ?? {};
    if (!refused && !(failing && error?.code === 'expired')) return `${named}, but was not refused`;
    return error === null && `${named} without an error`;
  });

/** Every way of ending a call that leaves its sender in doubt. */
const DOUBTFUL = new Set(['lost_response', 'malformed', 'timeout', 'reset', 'latency']);

/**
 * Unknown is for a provider that can neither drop repeats nor be asked, and for a reason only; or for a recipient for whom
 * the provider fails until the message expires.
 */
const unknownHasReason: Rule = (facts) =>
  each(
    facts.stored.messages.filter(({ status }) => status === 'unknown'),
    ({ id, body, delivery_key }) => {
      const token = tokenIn(body) ?? '';
      const named = `${token}: message ${id} is unknown`;
      if (facts.sentByToken.get(token)?.failing) return null;
      if (facts.mode !== 'neither') return `${named}, which can be cleared up`;
      const calls = facts.callsOf.get(delivery_key ?? '') ?? [];
      const doubt = calls.some(({ fault, status }) => status === null || DOUBTFUL.has(fault ?? ''));
      // On a busy machine an answer can come too late without any fault.
      const attempts = facts.attemptsOf.get(id) ?? [];
      const late = attempts.some(({ duration_ms }) => (duration_ms ?? 0) >= facts.providerTimeoutMs);
      const { from, to } = handled(facts, id);
      const interrupted = wasInterrupted(facts, from, to);
      return !doubt && !late && !interrupted && `${named}, though every call of it was answered`;
    },
  );

const RANK: Record<string, number> = { scheduled: 0, queued: 1, sending: 2, unknown: 3, sent: 4 };
const rankOf = (status: string) => RANK[status] ?? 5;

/** Only what was not handed over goes back to the queue. */
const noneMovesBack: Rule = (facts) =>
  each(facts.stored.messages, ({ id, body, status }) => {
    const changes = facts.changesOf.get(id) ?? [];
    const named = `${tokenIn(body)}: message ${id}`;
    const back = changes.find(
      (change) =>
        rankOf(change.new) <= rankOf(change.old) && !(change.old === 'sending' && change.new === 'queued'),
    );
    const last = changes.at(-1)?.new;
    return [
      back && `${named} went from ${back.old} back to ${back.new}`,
      last !== undefined && last !== status && `${named} is ${status}, last seen to become ${last}`,
    ];
  });

const receiptsAreKept: Rule = (facts) => {
  const stored = Map.groupBy(facts.stored.receipts, (receipt) =>
    nameOf(receipt.provider_message_id, receipt.status),
  );
  const told = facts.taken.flatMap(({ id, receipts, request }) =>
    receipts
      .filter(({ taken }) => taken > 0)
      .map(({ status }) => ({ id, status, token: tokenIn(request.body) })),
  );
  return each(told, ({ id, status, token }) => {
    const found = stored.get(nameOf(id, status)) ?? [];
    if (found.length !== 1) return `${token}: its receipt ${status} is stored ${found.length} times`;
    const owner = facts.storedByProviderId.get(id)?.id ?? null;
    return (
      found[0]?.message_id !== owner &&
      `${token}: its receipt ${status} is with message ${found[0]?.message_id}`
    );
  });
};

const noOtherReceipts: Rule = (facts) => {
  const sent = new Set(
    facts.taken.flatMap(({ id, receipts }) => receipts.map(({ status }) => nameOf(id, status))),
  );
  return each(facts.stored.receipts, ({ provider_message_id: id, status }) => {
    return !sent.has(nameOf(id, status)) && `${id}: its receipt ${status} was never sent`;
  });
};

function nameOf(id: string, status: string): string {
  return `${id} ${status}`;
}

export const STATUS_RULES: Record<string, Rule> = {
  'nothing is stuck': nothingIsStuck,
  'statuses agree with the provider': agreesWithProvider,
  'unknown is what nobody can tell, for a reason': unknownHasReason,
  'no status moved back': noneMovesBack,
  'every receipt taken is stored once, with its message': receiptsAreKept,
  'no other receipts are stored': noOtherReceipts,
};

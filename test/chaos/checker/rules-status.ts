import { tokenIn } from './evidence.ts';
import { processingPeriod, wasInterrupted } from './facts.ts';
import { checkEach, type Rule } from './rule.ts';

const SETTLED = new Set(['sent', 'delivered', 'undelivered', 'failed', 'canceled', 'unknown']);
const ENDS = new Set(['delivered', 'undelivered']);

const nothingIsStuck: Rule = ({ stored }) =>
  checkEach(stored.messages, ({ id, body, status, due }) => {
    const named = `${tokenIn(body)}: message ${id} is ${status}`;
    if (!SETTLED.has(status)) return named;
    return due && `${named} and still due`;
  });

/** `delivered` and `undelivered` equal the final receipt that the service acknowledged. */
const agreesWithProvider: Rule = (facts) =>
  checkEach(facts.stored.messages, ({ id, body, status, error, provider_message_id }) => {
    const token = tokenIn(body) ?? '';
    const named = `${token}: message ${id} is ${status}`;
    const accepted = facts.acceptedByToken.get(token) ?? [];
    const own = accepted.find((one) => one.id === provider_message_id);
    const end = own?.receipts.find((receipt) => ENDS.has(receipt.status) && receipt.acknowledged > 0)?.status;
    if (status === 'sent') return end && `${named}, its provider reported ${end}`;
    if (ENDS.has(status))
      return end !== status && `${named}, its provider reported ${end ?? 'no final status'}`;
    if (status !== 'failed') return status === 'canceled' && `${named}, but was not canceled`;
    if (accepted.length > 0) return `${named}, but was accepted as ${accepted[0]?.id}`;
    const { refused, failing } = facts.sentByToken.get(token) ?? {};
    if (!refused && !(failing && error?.code === 'expired')) return `${named}, but was not refused`;
    return error === null && `${named} without an error`;
  });

/** The faults after which the service cannot determine whether the provider accepted the message. */
const UNCERTAIN = new Set(['lost_response', 'malformed', 'timeout', 'reset', 'latency']);

/**
 * A message is `unknown` if the provider fails for its recipient until it expires; or if the provider supports neither
 * idempotency keys nor look-up, and a call had an uncertain result.
 */
const unknownHasReason: Rule = (facts) =>
  checkEach(
    facts.stored.messages.filter(({ status }) => status === 'unknown'),
    ({ id, body, delivery_key }) => {
      const token = tokenIn(body) ?? '';
      const named = `${token}: message ${id} is unknown`;
      if (facts.sentByToken.get(token)?.failing) return null;
      if (facts.mode !== 'neither') return `${named}, although its provider can be asked`;
      const calls = facts.callsOf.get(delivery_key ?? '') ?? [];
      const uncertain = calls.some(({ fault, status }) => status === null || UNCERTAIN.has(fault ?? ''));
      // On a busy machine a response can be too late without a fault.
      const attempts = facts.attemptsOf.get(id) ?? [];
      const late = attempts.some(({ duration_ms }) => (duration_ms ?? 0) >= facts.providerTimeoutMs);
      const { from, to } = processingPeriod(facts, id);
      const interrupted = wasInterrupted(facts, from, to);
      return !uncertain && !late && !interrupted && `${named}, although each of its calls had a response`;
    },
  );

const RANK: Record<string, number> = { scheduled: 0, queued: 1, sending: 2, unknown: 3, sent: 4 };
const rankOf = (status: string) => RANK[status] ?? 5;

/** Exception: `sending` returns to `queued` after an attempt that the provider did not accept. */
const statusesMoveForward: Rule = (facts) =>
  checkEach(facts.stored.messages, ({ id, body, status }) => {
    const changes = facts.changesOf.get(id) ?? [];
    const named = `${tokenIn(body)}: message ${id}`;
    const back = changes.find(
      (change) =>
        rankOf(change.new) <= rankOf(change.old) && !(change.old === 'sending' && change.new === 'queued'),
    );
    const last = changes.at(-1)?.new;
    return [
      back && `${named} changed from ${back.old} back to ${back.new}`,
      last !== undefined && last !== status && `${named} is ${status}, but its last change was to ${last}`,
    ];
  });

const receiptsAreStored: Rule = (facts) => {
  const stored = Map.groupBy(facts.stored.receipts, (receipt) =>
    receiptKey(receipt.provider_message_id, receipt.status),
  );
  const acknowledged = facts.accepted.flatMap(({ id, receipts, request }) =>
    receipts
      .filter((receipt) => receipt.acknowledged > 0)
      .map(({ status }) => ({ id, status, token: tokenIn(request.body) })),
  );
  return checkEach(acknowledged, ({ id, status, token }) => {
    const found = stored.get(receiptKey(id, status)) ?? [];
    if (found.length !== 1) return `${token}: its receipt ${status} is stored ${found.length} times`;
    const owner = facts.storedByProviderId.get(id)?.id ?? null;
    return (
      found[0]?.message_id !== owner &&
      `${token}: its receipt ${status} belongs to message ${found[0]?.message_id}`
    );
  });
};

const noOtherReceipts: Rule = (facts) => {
  const sent = new Set(
    facts.accepted.flatMap(({ id, receipts }) => receipts.map(({ status }) => receiptKey(id, status))),
  );
  return checkEach(facts.stored.receipts, ({ provider_message_id: id, status }) => {
    return !sent.has(receiptKey(id, status)) && `${id}: its receipt ${status} was never sent`;
  });
};

function receiptKey(id: string, status: string): string {
  return `${id} ${status}`;
}

export const STATUS_RULES: Record<string, Rule> = {
  'every message is settled': nothingIsStuck,
  'statuses agree with the provider': agreesWithProvider,
  'a message is unknown only for a reason': unknownHasReason,
  'no status moves backward': statusesMoveForward,
  'every acknowledged receipt is stored once, with its message': receiptsAreStored,
  'every stored receipt was sent by a provider': noOtherReceipts,
};

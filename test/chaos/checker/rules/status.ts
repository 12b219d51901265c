import { tokenIn } from '../evidence.ts';
import { reportedStatus, reportedStatusFor } from '../reported.ts';
import { checkEach, type Rule } from './rule.ts';
import { unknownHasReason } from './unknown.ts';

const SETTLED = new Set(['sent', 'delivered', 'undelivered', 'failed', 'canceled', 'unknown']);

const nothingIsStuck: Rule = ({ stored }) =>
  checkEach(stored.messages, ({ id, body, status, due }) => {
    const named = `${tokenIn(body)}: message ${id} is ${status}`;
    if (!SETTLED.has(status)) return named;
    return due && `${named} and still due`;
  });

/** `delivered` and `undelivered` equal the final receipts that the service acknowledged. */
const agreesWithProvider: Rule = (facts) =>
  checkEach(facts.stored.messages, (message) => {
    const { id, body, status, error, provider_message_id } = message;
    const token = tokenIn(body) ?? '';
    const named = `${token}: message ${id} is ${status}`;
    const accepted = facts.acceptedByToken.get(token) ?? [];
    const own = accepted.find((one) => facts.storedByProviderId.get(one.id)?.id === id);
    if (status === 'sent' && !own) return `${named}, but was not accepted as ${provider_message_id}`;
    if (['sent', 'delivered', 'undelivered'].includes(status)) {
      const reported = own && reportedStatus(message, own, accepted);
      return reported !== status && `${named}, its provider reported ${reported ?? 'nothing'}`;
    }
    if (status !== 'failed') return status === 'canceled' && `${named}, but was not canceled`;
    if (accepted.length > 0) return `${named}, but was accepted as ${accepted[0]?.id}`;
    const { refused, failing, stopped } = facts.sentByToken.get(token) ?? {};
    if (stopped && error?.code === 'recipient_suppressed') return null;
    if (!refused && !(failing && error?.code === 'expired')) return `${named}, but was not refused`;
    return error === null && `${named} without an error`;
  });

/** A recipient whom a mail server refuses for good. */
const REFUSED = /^reject@/;

/** A recipient without a status of its own has that of the message. */
const recipientsAgreeWithProvider: Rule = (facts) => {
  const groups = facts.stored.messages.filter(
    ({ body, to, cc }) =>
      to.length + (cc?.length ?? 0) > 1 &&
      facts.acceptedByToken.get(tokenIn(body) ?? '')?.every(({ recipients }) => recipients !== undefined),
  );
  return checkEach(groups, ({ id, body, status, to, cc }) => {
    const token = tokenIn(body) ?? '';
    const accepted = facts.acceptedByToken.get(token) ?? [];
    return [...to, ...(cc ?? [])].map((address) => {
      const actual = facts.recipientsOf.get(id)?.find((row) => row.address === address)?.status ?? status;
      const reported = reportedStatusFor(address, accepted) ?? (REFUSED.test(address) ? 'failed' : null);
      // The service does not know of the acceptance of an `unknown` message; `failed` recipients can have expired.
      if (actual === 'unknown' || (actual === 'failed' && reported === null)) return null;
      return (
        actual !== reported &&
        `${token}: message ${id} is ${actual} for ${address}, its provider reported ${reported ?? 'nothing'}`
      );
    });
  });
};

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

/** Two statuses of Twilio that mean the same for the service may be stored once or twice. */
const receiptsAreStored: Rule = (facts) => {
  const sent = Map.groupBy(
    facts.accepted.flatMap(({ id, receipts }) => receipts.map(({ status }) => receiptKey(id, status))),
    (key) => key,
  );
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
    const isStored = found.length > 0 && found.length <= (sent.get(receiptKey(id, status))?.length ?? 0);
    if (!isStored) return `${token}: its receipt ${status} is stored ${found.length} times`;
    const owner = facts.storedByProviderId.get(id)?.id ?? null;
    const other = found.find(({ message_id }) => message_id !== owner);
    return other && `${token}: its receipt ${status} belongs to message ${other.message_id}`;
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
  'recipients have the statuses that the provider reported': recipientsAgreeWithProvider,
  'a message is unknown only for a reason': unknownHasReason,
  'no status moves backward': statusesMoveForward,
  'every acknowledged receipt is stored once, with its message': receiptsAreStored,
  'every stored receipt was sent by a provider': noOtherReceipts,
};

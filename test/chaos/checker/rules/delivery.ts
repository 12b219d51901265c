import { isDeepStrictEqual } from 'node:util';
import {
  mayStayUnknown,
  modeOf,
  namesMessages,
  type Request,
  type StoredMessage,
  tokenIn,
} from '../evidence.ts';
import {
  byConversation,
  type Facts,
  processingPeriod,
  wasAcceptedTooLate,
  wasInterrupted,
} from '../facts.ts';
import { recipientOfLookUp } from '../twilio.ts';
import { checkEach, type Rule } from './rule.ts';

/**
 * Exceptions: messages that the provider refuses, messages to recipients for whom the provider fails, messages to recipients
 * who became suppressed before their claim, and messages that
 * are `unknown` because the provider can neither be asked nor send the message only once.
 */
const acknowledgedIsAccepted: Rule = (facts) =>
  checkEach(
    facts.sent.filter(
      ({ acknowledgements, refused, failing }) => acknowledgements.length > 0 && !refused && failing === null,
    ),
    ({ token, stopped }) => {
      const [stored] = facts.storedByToken.get(token) ?? [];
      const mayBeUnknown = stopped || (stored !== undefined && mayStayUnknown(modeOf(facts, stored)));
      const mayBeMissing = (stored?.status === 'unknown' && mayBeUnknown) || isStopped(stored);
      return (
        !facts.acceptedByToken.has(token) &&
        !mayBeMissing &&
        `${token}: was not accepted; its status is ${stored?.status}`
      );
    },
  );

/** A mail server can accept an email for some of its recipients, and later for others. */
const acceptedOnce: Rule = ({ acceptedByToken }) =>
  checkEach(acceptedByToken, ([token, accepted]) => {
    const recipients = accepted.flatMap((one) => one.recipients ?? ['']);
    const again = recipients.find((address, index) => recipients.indexOf(address) < index);
    const ids = accepted.map(({ id }) => id).join(', ');
    return (
      again !== undefined &&
      `${token}: was accepted more than once${again && ` for ${again}`}: ${accepted.length} times, as ${ids}`
    );
  });

const nothingElseIsAccepted: Rule = ({ acceptedByToken, sentByToken }) =>
  checkEach(acceptedByToken, ([token, accepted]) => {
    const sent = sentByToken.get(token);
    if (!sent) return `${token || 'no token'}: ${accepted[0]?.id} was not sent by a client`;
    return (
      sent.refused && `${token}: ${accepted[0]?.id} was accepted, although the provider refuses the recipient`
    );
  });

const acceptedAsSent: Rule = ({ accepted, sentByToken }) =>
  checkEach(accepted, ({ request, dialect }) => {
    const token = tokenIn(request.body) ?? '';
    const sent = sentByToken.get(token);
    if (!sent) return null;
    return differingFields(sent.request, request, dialect === 'standard').map(
      (name) => `${token}: the provider received ${JSON.stringify(request[name])} as ${name}`,
    );
  });

/** The names of the fields that differ from the request of the client. A single recipient equals a list of one. Only the standard kind has a timestamp. */
function differingFields(sent: Request, accepted: Record<string, unknown>, hasTimestamp: boolean): string[] {
  const expected: Record<string, unknown> = {
    from: sent.from,
    to: [sent.to].flat(),
    cc: sent.cc,
    subject: sent.subject,
    body: sent.body,
    attachments: sent.attachments,
    ...(hasTimestamp && { timestamp: sent.timestamp }),
  };
  if (sent.type !== 'email') expected.type = sent.type;
  return Object.keys(expected).filter((name) => {
    const value = name === 'to' ? [accepted.to].flat() : accepted[name];
    return !isDeepStrictEqual(value, expected[name]);
  });
}

/** A message that was accepted after its delivery had ended as `unknown` is not checked: its request timed out before. */
const inOrder: Rule = (facts) =>
  checkEach(byConversation(facts.sent).values(), (messages) => {
    let last: { token: string; sequence: number } | undefined;
    const violations = [];
    for (const { token } of messages) {
      const [accepted] = facts.acceptedByToken.get(token) ?? [];
      const id = facts.storedByToken.get(token)?.[0]?.id ?? 0;
      if (!accepted || wasAcceptedTooLate(facts, id, accepted.accepted_at)) continue;
      const { sequence } = accepted;
      if (last && sequence < last.sequence) {
        violations.push(
          `${last.token}: was accepted as number ${last.sequence}, after ${token}, number ${sequence}`,
        );
      }
      if (!last || sequence > last.sequence) last = { token, sequence };
    }
    return violations;
  });

/** A look-up at Twilio has no key, but a recipient, and so has a transaction at a mail server that ended before the email. */
const callsCarryTheirKey: Rule = ({ callsOf, stored, accepted }) => {
  const keys = new Map(stored.messages.map((message) => [message.delivery_key, message]));
  const recipients = new Set(stored.messages.flatMap(({ to, cc }) => [...to, ...(cc ?? [])]));
  const wrongKey = accepted.filter((one) => {
    const body = keys.get(one.idempotency_key)?.body;
    return body !== one.request.body;
  });
  const calls = checkEach(callsOf, ([key, group]) => {
    const wrong = keys.has(key)
      ? undefined
      : group.find((call) => {
          const named = call.recipients ?? [recipientOfLookUp(call) ?? ''];
          return key !== '' || !named.every((address) => recipients.has(address));
        });
    return wrong && `${key || 'no key'}: ${wrong.method} ${wrong.path} has the key of no message`;
  });
  const acceptances = checkEach(
    wrongKey,
    ({ id, idempotency_key }) =>
      `${id}: was accepted under ${idempotency_key}, which is not its delivery key`,
  );
  return {
    checked: calls.checked + accepted.length,
    violations: [...calls.violations, ...acceptances.violations],
  };
};

/**
 * No attempt is missing. `worker_lost` and a final `result_pending` occur only if a process or the database was interrupted.
 */
const attemptsAreComplete: Rule = (facts) =>
  checkEach(facts.stored.messages, (message) => {
    const attempts = facts.attemptsOf.get(message.id) ?? [];
    const name = `${tokenIn(message.body)}: message ${message.id}`;
    const accepted = attempts.filter(({ outcome }) => outcome === 'accepted');
    const isEchoed = namesMessages(modeOf(facts, message)) && hasReceipt(facts, message);
    const missing = message.attempt_count - attempts.length;
    const lost = attempts.find(({ code }) => code === 'worker_lost');
    const pending = attempts.find(({ code }) => code === 'result_pending');
    const { from, to } = processingPeriod(facts, message.id);
    const different = accepted.find((attempt) => attempt.provider_message_id !== message.provider_message_id);
    return [
      attempts.some(({ number }) => number < 1 || number > message.attempt_count) &&
        `${name} has an attempt with a number above attempt_count ${message.attempt_count}`,
      missing > 0 && `${name} lacks ${missing} of ${message.attempt_count} attempts`,
      lost &&
        !wasInterrupted(facts, from, to) &&
        `${name} has an attempt worker_lost, although no process was interrupted`,
      pending &&
        !wasInterrupted(facts, from, to + facts.providerTimeoutMs) &&
        `${name} has an attempt result_pending, although no process was interrupted`,
      message.provider_message_id !== null &&
        accepted.length === 0 &&
        !isEchoed &&
        `${name} has a provider_message_id, but no accepted attempt`,
      different &&
        `${name} has the provider_message_id ${message.provider_message_id}, but its attempt has ${different.provider_message_id}`,
      message.status === 'unknown' &&
        !attempts.some(({ outcome }) => outcome === 'unknown') &&
        `${name} is unknown, but none of its attempts is`,
    ];
  });

/** The claim of the message saw that the recipient is suppressed. */
const nothingIsSentAfterStop: Rule = (facts) => {
  const messages = new Map(facts.stored.messages.map((message) => [message.id, message]));
  return checkEach(facts.stored.claims_after_stop, ({ message_id, at }) => {
    const { body, delivery_key } = messages.get(message_id) ?? {};
    const calls = facts.callsOf.get(delivery_key ?? '') ?? [];
    const late = calls.find((call) => call.method === 'POST' && call.at >= at);
    return late && `${tokenIn(body)}: message ${message_id} was sent ${late.at - at} ms after it was claimed`;
  });
};

function isStopped(message: StoredMessage | undefined): boolean {
  return message?.error?.code === 'recipient_suppressed';
}

function hasReceipt({ receiptsOf }: Facts, { id, provider_message_id }: StoredMessage): boolean {
  return (receiptsOf.get(id) ?? []).some((receipt) => receipt.provider_message_id === provider_message_id);
}

export const DELIVERY_RULES: Record<string, Rule> = {
  'the provider accepts every acknowledged message': acknowledgedIsAccepted,
  'the provider accepts no message twice': acceptedOnce,
  'an accepted message equals its request': acceptedAsSent,
  'every accepted message was sent by a client': nothingElseIsAccepted,
  'the provider accepts messages in the order of their conversation': inOrder,
  'every call carries the delivery key of its message': callsCarryTheirKey,
  'no send begins after a claim that saw the suppression of the recipient': nothingIsSentAfterStop,
  'the attempts of each message are complete': attemptsAreComplete,
};

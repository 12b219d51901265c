import { isDeepStrictEqual } from 'node:util';
import { type Request, tokenIn } from './evidence.ts';
import { byConversation, handled, wasInterrupted } from './facts.ts';
import { each, type Rule } from './finding.ts';

/**
 * If nobody can tell, a message may stay unknown; if it is refused, it fails; and nothing is promised for a recipient for
 * whom the provider always fails.
 */
const acknowledgedIsTaken: Rule = (facts) =>
  each(
    facts.sent.filter(({ answers, refused, failing }) => answers.length > 0 && !refused && failing === null),
    ({ token }) => {
      const [stored] = facts.storedByToken.get(token) ?? [];
      const mayBeMissing = facts.mode === 'neither' && stored?.status === 'unknown';
      return (
        !facts.takenByToken.has(token) && !mayBeMissing && `${token}: was not taken; it is ${stored?.status}`
      );
    },
  );

const takenOnce: Rule = ({ takenByToken }) =>
  each(
    takenByToken,
    ([token, taken]) =>
      taken.length > 1 &&
      `${token}: was taken ${taken.length} times, as ${taken.map(({ id }) => id).join(', ')}`,
  );

const nothingElseIsTaken: Rule = ({ takenByToken, sentByToken }) =>
  each(takenByToken, ([token, taken]) => {
    const sent = sentByToken.get(token);
    if (!sent) return `${token || 'no token'}: ${taken[0]?.id} was not sent by a client`;
    return sent.refused && `${token}: ${taken[0]?.id} was taken, though it is refused`;
  });

const takenAsSent: Rule = ({ taken, sentByToken }) =>
  each(taken, (one) => {
    const token = tokenIn(one.request.body) ?? '';
    const sent = sentByToken.get(token);
    if (!sent) return null;
    return differing(sent.request, one.request).map(
      (name) => `${token}: its ${name} was taken as ${JSON.stringify(one.request[name])}`,
    );
  });

/** The names of the fields that are not as they were sent; one recipient may stand alone or in a list. */
function differing(sent: Request, taken: Record<string, unknown>): string[] {
  const expected: Record<string, unknown> = {
    from: sent.from,
    to: [sent.to].flat(),
    cc: sent.cc,
    subject: sent.subject,
    body: sent.body,
    attachments: sent.attachments,
    timestamp: sent.timestamp,
  };
  if (sent.type !== 'email') expected.type = sent.type;
  return Object.keys(expected).filter((name) => {
    const value = name === 'to' ? [taken.to].flat() : taken[name];
    return !isDeepStrictEqual(value, expected[name]);
  });
}

/** Of what nobody can tell about, nobody can tell when it was taken either. */
const inOrder: Rule = (facts) =>
  each(byConversation(facts.sent).values(), (messages) => {
    let last: { token: string; sequence: number } | undefined;
    const violations = [];
    for (const { token } of messages) {
      const sequence = facts.takenByToken.get(token)?.[0]?.sequence;
      if (sequence === undefined || facts.storedByToken.get(token)?.[0]?.status === 'unknown') continue;
      if (last && sequence < last.sequence) {
        violations.push(
          `${last.token}: was taken as number ${last.sequence}, after ${token}, number ${sequence}`,
        );
      }
      if (!last || sequence > last.sequence) last = { token, sequence };
    }
    return violations;
  });

const callsAreOfMessages: Rule = ({ callsOf, stored, taken }) => {
  const keys = new Map(stored.messages.map((message) => [message.delivery_key, message]));
  const wrongKey = taken.filter((one) => {
    const body = keys.get(one.idempotency_key)?.body;
    return body !== one.request.body;
  });
  const calls = each(
    callsOf,
    ([key, [call]]) => !keys.has(key) && `${key || 'no key'}: ${call?.method} ${call?.path} is of no message`,
  );
  const takings = each(
    wrongKey,
    ({ id, idempotency_key }) => `${id}: was taken under ${idempotency_key}, not its key`,
  );
  return { checked: calls.checked + taken.length, violations: [...calls.violations, ...takings.violations] };
};

/** None is missing. One that nobody told of belongs to a worker that was killed, or to a database that was away. */
const attemptsTell: Rule = (facts) =>
  each(facts.stored.messages, (message) => {
    const attempts = facts.attemptsOf.get(message.id) ?? [];
    const name = `${tokenIn(message.body)}: message ${message.id}`;
    const accepted = attempts.filter(({ outcome }) => outcome === 'accepted');
    const missing = message.attempt_count - attempts.length;
    const lost = attempts.find(({ code }) => code === 'worker_lost');
    const { from, to } = handled(facts, message.id);
    const strayed = accepted.find((attempt) => attempt.provider_message_id !== message.provider_message_id);
    return [
      attempts.some(({ number }) => number < 1 || number > message.attempt_count) &&
        `${name} has an attempt beyond its ${message.attempt_count}`,
      missing > 0 && `${name} misses ${missing} of ${message.attempt_count} attempts`,
      lost &&
        !wasInterrupted(facts, from, to) &&
        `${name} has an attempt that nobody told of, though no worker was killed`,
      message.provider_message_id !== null && accepted.length === 0 && `${name} was accepted in no attempt`,
      strayed && `${name} is ${message.provider_message_id}, an attempt says ${strayed.provider_message_id}`,
      message.status === 'unknown' &&
        !attempts.some(({ outcome }) => outcome === 'unknown') &&
        `${name} is unknown after no attempt that was`,
    ];
  });

export const DELIVERY_RULES: Record<string, Rule> = {
  'what was acknowledged is taken by the provider': acknowledgedIsTaken,
  'nothing is taken twice': takenOnce,
  'what is taken is what was sent': takenAsSent,
  'nothing else is taken': nothingElseIsTaken,
  'conversations are taken in the order of sending': inOrder,
  'every call carries the key of its message': callsAreOfMessages,
  'attempts tell the story of each message': attemptsTell,
};

import { isDeepStrictEqual } from 'node:util';
import type { Sent, StoredMessage } from './evidence.ts';
import { byConversation, type Facts, sorted } from './facts.ts';
import { each, type Rule } from './finding.ts';

const acknowledgedIsStoredOnce: Rule = ({ sent, storedById, storedByToken }) =>
  each(acknowledged(sent), ({ token, key, answers }) => {
    const stored = storedByToken.get(token) ?? [];
    if (stored.length !== 1) return `${token}: is stored ${stored.length} times`;
    const told = storedById.get(answers[0]?.id ?? 0);
    if (told !== stored[0])
      return `${token}: is message ${stored[0]?.id}, the client was told ${answers[0]?.id}`;
    return told?.idempotency_key !== key && `${token}: has another key, ${told?.idempotency_key}`;
  });

/** A field as it was sent and as it is stored. */
const FIELDS: [name: string, sent: (sent: Sent) => unknown, stored: (stored: StoredMessage) => unknown][] = [
  ['type', ({ request }) => request.type, ({ type }) => type],
  ['from', ({ request }) => request.from, ({ from }) => from],
  ['to', ({ request }) => [request.to].flat(), ({ to }) => to],
  ['cc', ({ request }) => request.cc ?? null, ({ cc }) => cc],
  ['subject', ({ request }) => request.subject ?? null, ({ subject }) => subject],
  ['body', ({ request }) => request.body, ({ body }) => body],
  ['attachments', ({ request }) => request.attachments, ({ attachments }) => attachments],
  ['timestamp', ({ request }) => request.timestamp, ({ timestamp }) => timestamp],
  ['metadata', ({ request }) => request.metadata, ({ metadata }) => metadata],
];

const asItWasSent: Rule = (facts) =>
  each(facts.sent, (sent) => {
    const stored = facts.storedByToken.get(sent.token)?.[0];
    if (!stored) return null;
    return FIELDS.map(
      ([name, ofSent, ofStored]) =>
        !isDeepStrictEqual(ofSent(sent), ofStored(stored)) &&
        `${sent.token}: its ${name} is stored as ${JSON.stringify(ofStored(stored))}`,
    );
  });

const nothingElse: Rule = ({ storedByToken, sentByToken }) =>
  each(storedByToken, ([token, stored]) => {
    const names = `${token || 'no token'}: message ${stored.map(({ id }) => id).join(', ')}`;
    if (!sentByToken.has(token)) return `${names} was not sent by a client`;
    if (stored.length > 1) return `${names} were sent as one`;
    return stored[0]?.direction !== 'outbound' && `${names} is not outbound`;
  });

const idsInOrder: Rule = ({ sent }) =>
  each(byConversation(acknowledged(sent)).values(), (messages) =>
    messages.map((message, index) => {
      const before = messages[index - 1];
      const inOrder = !before || idOf(before) < idOf(message);
      return (
        !inOrder && `${message.token}: message ${idOf(message)} came after ${before.token}, ${idOf(before)}`
      );
    }),
  );

const oneConversationEach: Rule = (facts) =>
  each(byConversation(facts.sent).values(), (messages) => {
    const [first] = messages;
    const stored = messages.flatMap(({ token }) => facts.storedByToken.get(token) ?? []);
    const ids = new Set(stored.map(({ conversation_id }) => conversation_id));
    const told = new Set(messages.flatMap(({ answers }) => answers.map((answer) => answer.conversation_id)));
    if (!first || ids.size === 0) return null;
    if (ids.size > 1) return `${first.token}: its conversation is stored as ${[...ids].join(', ')}`;
    const [id] = ids;
    const named = `${first.token}: conversation ${id}`;
    const found = facts.stored.conversations.find((conversation) => conversation.id === id);
    return [
      ![...told].every((one) => one === id) && `${named}, clients were told ${[...told].join(', ')}`,
      !found && `${named} is not there`,
      found &&
        sorted(found.addresses) !== sorted(first.addresses) &&
        `${named} is of ${sorted(found.addresses)}, not of ${sorted(first.addresses)}`,
    ];
  });

const conversationsCount: Rule = ({ stored }) => {
  const messages = Map.groupBy(stored.messages, ({ conversation_id }) => conversation_id);
  const sets = Map.groupBy(stored.conversations, ({ addresses }) => sorted(addresses));
  return each(stored.conversations, ({ id, message_count, addresses }) => {
    const has = messages.get(id)?.length ?? 0;
    const same = sets.get(sorted(addresses)) ?? [];
    return [
      message_count !== has && `conversation ${id}: says ${message_count} messages and has ${has}`,
      has === 0 && `conversation ${id}: is there without a message`,
      same.length > 1 && `conversation ${id}: shares its addresses with ${same.length - 1} more`,
    ];
  });
};

function acknowledged(sent: Facts['sent']): Sent[] {
  return sent.filter(({ answers }) => answers.length > 0);
}

function idOf({ answers }: Sent): number {
  return answers[0]?.id ?? 0;
}

export const STORE_RULES: Record<string, Rule> = {
  'what was acknowledged is stored once, as the message told': acknowledgedIsStoredOnce,
  'what is stored is what was sent': asItWasSent,
  'nothing else is stored': nothingElse,
  'ids within a conversation are in the order of sending': idsInOrder,
  'a conversation is one, of those who take part': oneConversationEach,
  'conversations count their messages': conversationsCount,
};

import { isDeepStrictEqual } from 'node:util';
import type { Sent, StoredMessage } from '../evidence.ts';
import { byConversation, type Facts, sorted } from '../facts.ts';
import { checkEach, type Rule } from './rule.ts';

const acknowledgedIsStoredOnce: Rule = ({ sent, storedByToken }) =>
  checkEach(acknowledged(sent), ({ token, key, acknowledgements }) => {
    const stored = storedByToken.get(token) ?? [];
    if (stored.length !== 1) return `${token}: is stored ${stored.length} times`;
    const [message] = stored;
    const acknowledgedId = acknowledgements[0]?.id;
    if (message?.id !== acknowledgedId)
      return `${token}: is message ${message?.id}, but the client received the id ${acknowledgedId}`;
    return message?.idempotency_key !== key && `${token}: has another key, ${message?.idempotency_key}`;
  });

/** The fields of a message, with their values in the request and in the database. */
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
  checkEach(facts.sent, (sent) => {
    const stored = facts.storedByToken.get(sent.token)?.[0];
    if (!stored) return null;
    return FIELDS.map(
      ([name, ofSent, ofStored]) =>
        !isDeepStrictEqual(ofSent(sent), ofStored(stored)) &&
        `${sent.token}: its ${name} is stored as ${JSON.stringify(ofStored(stored))}`,
    );
  });

const nothingElse: Rule = ({ storedByToken, sentByToken }) =>
  checkEach(storedByToken, ([token, stored]) => {
    const names = `${token || 'no token'}: message ${stored.map(({ id }) => id).join(', ')}`;
    if (!sentByToken.has(token)) return `${names} was not sent by a client`;
    return stored.length > 1 && `${names} were sent as one message`;
  });

const idsInOrder: Rule = ({ sent }) =>
  checkEach(byConversation(acknowledged(sent)).values(), (messages) =>
    messages.map((message, index) => {
      const before = messages[index - 1];
      const inOrder = !before || idOf(before) < idOf(message);
      return (
        !inOrder &&
        `${message.token}: message ${idOf(message)} was sent after ${before.token}, which is message ${idOf(before)}`
      );
    }),
  );

const oneConversationEach: Rule = (facts) =>
  checkEach(byConversation(facts.sent).values(), (messages) => {
    const [first] = messages;
    const stored = messages.flatMap(({ token }) => facts.storedByToken.get(token) ?? []);
    const ids = new Set(stored.map(({ conversation_id }) => conversation_id));
    const acknowledgedIds = new Set(
      messages.flatMap(({ acknowledgements }) =>
        acknowledgements.map((response) => response.conversation_id),
      ),
    );
    if (!first || ids.size === 0) return null;
    if (ids.size > 1) return `${first.token}: its messages are in the conversations ${[...ids].join(', ')}`;
    const [id] = ids;
    const named = `${first.token}: conversation ${id}`;
    const found = facts.stored.conversations.find((conversation) => conversation.id === id);
    return [
      ![...acknowledgedIds].every((acknowledgedId) => acknowledgedId === id) &&
        `${named}, but clients received ${[...acknowledgedIds].join(', ')}`,
      !found && `${named} is not stored`,
      found &&
        sorted(found.addresses) !== sorted(first.addresses) &&
        `${named} has the participants ${sorted(found.addresses)} instead of ${sorted(first.addresses)}`,
    ];
  });

const conversationsCount: Rule = ({ stored, storedInbound }) => {
  const messages = Map.groupBy(
    [...stored.messages, ...storedInbound],
    ({ conversation_id }) => conversation_id,
  );
  const sets = Map.groupBy(stored.conversations, ({ addresses }) => sorted(addresses));
  return checkEach(stored.conversations, ({ id, message_count, addresses }) => {
    const has = messages.get(id)?.length ?? 0;
    const same = sets.get(sorted(addresses)) ?? [];
    return [
      message_count !== has &&
        `conversation ${id}: message_count is ${message_count}, but it has ${has} messages`,
      has === 0 && `conversation ${id}: has no messages`,
      same.length > 1 && `conversation ${id}: has the same participants as ${same.length - 1} others`,
    ];
  });
};

function acknowledged(sent: Facts['sent']): Sent[] {
  return sent.filter(({ acknowledgements }) => acknowledgements.length > 0);
}

function idOf({ acknowledgements }: Sent): number {
  return acknowledgements[0]?.id ?? 0;
}

export const STORE_RULES: Record<string, Rule> = {
  'an acknowledged message is stored once, under the acknowledged id': acknowledgedIsStoredOnce,
  'a stored message equals its request': asItWasSent,
  'every stored message was sent by a client': nothingElse,
  'ids within a conversation follow the order of sending': idsInOrder,
  'each set of participants has one conversation': oneConversationEach,
  'message_count equals the number of messages': conversationsCount,
};

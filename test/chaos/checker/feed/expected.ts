import type { Evidence, StoredMessage } from '../evidence.ts';

type Change = Evidence['stored']['changes'][number];

/** Statuses without an event. */
const SILENT = new Set(['scheduled', 'sending']);

/** The types of the events of a message, in the order of their positions, from the changes of its status. */
export function eventsOf({ direction, status }: StoredMessage, changes: Change[]): string[] {
  if (direction === 'inbound') return ['message.received'];
  const statuses = [changes[0]?.old ?? status];
  // A retry by the service is no event.
  for (const change of changes)
    if (change.new !== 'queued' || change.old !== 'sending') statuses.push(change.new);
  return withSent(statuses.filter((each) => !SILENT.has(each))).map((each) => `message.${each}`);
}

/** A message whose receipt came before the response is `sent` and `delivered` at once. */
function withSent(statuses: string[]): string[] {
  const delivered = statuses.indexOf('delivered');
  if (delivered < 0 || statuses.slice(0, delivered).includes('sent')) return statuses;
  return statuses.toSpliced(delivered, 0, 'sent');
}

/** The events of all stored messages and conversations, by subject: `message 1`. */
export function expectedEvents({ stored }: Evidence): Map<string, string[]> {
  const changesOf = Map.groupBy(stored.changes, ({ message_id }) => message_id);
  return new Map<string, string[]>([
    ...stored.conversations.map(
      ({ id }) => [`conversation ${id}`, ['conversation.created']] as [string, string[]],
    ),
    ...stored.messages.map(
      (message) =>
        [`message ${message.id}`, eventsOf(message, changesOf.get(message.id) ?? [])] as [string, string[]],
    ),
  ]);
}

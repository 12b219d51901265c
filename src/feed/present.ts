import { presentError, type StoredError } from '../openapi/error-class.ts';
import type { Schema } from '../openapi/types.ts';
import type { EventRow, Resources } from './event.ts';
import { fit } from './fit.ts';
import type { Render } from './tail.ts';

type Event = Schema<'Event'>;
type Changes = Partial<
  Pick<Schema<'Message'>, 'status' | 'provider' | 'provider_message_id' | 'updated_at'>
> & {
  error?: StoredError | null;
};
type Report = Pick<Schema<'RecipientReport'>, 'bounce' | 'occurred_at'> & {
  /** The position of the recipient in `to`, `cc` and `bcc`, from 1. */
  position: number;
  error: StoredError | null;
};
type Subject =
  | 'message'
  | 'recipient'
  | 'conversation'
  | 'participant'
  | 'endpoint'
  | 'quarantine'
  | 'suppression'
  | 'provider';

/** The events of inbound messages, which have one status. */
const WITHOUT_CHANGES = new Set<EventRow['type']>(['message.received', 'message.media_settled']);

/** Presents events with the present content of their resources. An event whose resource was deleted is omitted. */
export async function presentEvents(rows: EventRow[], resources: Resources): Promise<Event[]> {
  const idsOf = (subject: Subject) => [
    ...new Set(rows.flatMap((row) => (subjectOf(row) === subject && row.subject_id) || [])),
  ];
  const [messages, conversations, participants, endpoints, quarantined, suppressionChanges] =
    await Promise.all([
      resources.messages([...idsOf('message'), ...idsOf('recipient')]),
      resources.conversations(idsOf('conversation')),
      resources.participants(idsOf('participant')),
      resources.endpoints(idsOf('endpoint')),
      resources.quarantined(idsOf('quarantine')),
      resources.suppressionChanges(idsOf('suppression')),
    ]);
  const dataOf = (row: EventRow): object | undefined => {
    const id = row.subject_id ?? 0;
    const subject = subjectOf(row);
    if (subject === 'provider') return row.changes ?? undefined;
    if (subject === 'conversation') return conversations.get(id);
    if (subject === 'participant') return participants.get(id);
    if (subject === 'endpoint') return disabledAt(row, endpoints.get(id));
    if (subject === 'quarantine') return quarantined.get(id);
    if (subject === 'suppression') return suppressionChanges.get(id);
    const message = messages.get(id);
    if (subject === 'recipient') return message && reportOf(row, message);
    return message && { ...message, ...stateOf(row, message) };
  };
  return rows.flatMap((row) => {
    const data = dataOf(row);
    if (data === undefined) return [];
    const { id, type, created_at } = row;
    return fit({ id, type, timestamp: created_at.toISOString(), data } as Event);
  });
}

/** Renders events as JSON. */
export function renderer(resources: Resources): Render {
  return async (rows) => {
    const byId = new Map(rows.map((row) => [row.id, row]));
    return (await presentEvents(rows, resources)).map((event) => ({
      ...{ id: event.id, type: event.type, text: JSON.stringify(event) },
      conversationId: byId.get(event.id)?.conversation_id ?? null,
    }));
  };
}

function subjectOf({ type }: EventRow): Subject {
  return type.split('.', 1)[0] as Subject;
}

/** A disabled endpoint as it was at the event, also if it is enabled again. */
function disabledAt(
  { changes }: EventRow,
  endpoint: Schema<'Endpoint'> | undefined,
): Schema<'Endpoint'> | undefined {
  if (!endpoint || !changes) return endpoint;
  const { disabled_reason, disabled_at, failing_since } = changes as unknown as Schema<'Endpoint'>;
  const [at, since] = [disabled_at, failing_since].map((time) => time && new Date(time).toISOString());
  return {
    ...{ ...endpoint, enabled: false, disabled_reason },
    ...{ disabled_at: at ?? null, failing_since: since ?? null, updated_at: at ?? endpoint.updated_at },
  };
}

/** The state of a message at the event. An event of a new message has no changes. */
function stateOf({ type, changes }: EventRow, { created_at }: Schema<'Message'>): Partial<Schema<'Message'>> {
  if (WITHOUT_CHANGES.has(type)) return {};
  const { error = null, updated_at = created_at, ...state } = (changes ?? {}) as Changes;
  return {
    status: type.split('.')[1] as Schema<'MessageStatus'>,
    error: presentError(error),
    next_attempt_at: null,
    provider: null,
    provider_message_id: null,
    ...state,
    updated_at: new Date(updated_at).toISOString(),
  };
}

/** A report about a recipient. The address is the present address of the message. */
function reportOf(
  { changes }: EventRow,
  { id, conversation_id, to, cc = [], bcc = [] }: Schema<'Message'>,
): Schema<'RecipientReport'> | undefined {
  const { position, bounce, error, occurred_at } = changes as unknown as Report;
  const address = [...to, ...cc, ...bcc][position - 1];
  return address === undefined
    ? undefined
    : {
        ...{ message_id: id, conversation_id, address, bounce },
        ...{ error: presentError(error), occurred_at: new Date(occurred_at).toISOString() },
      };
}

import type { Message } from '../db/models/message.ts';
import { presentError, type StoredError } from '../openapi/error-class.ts';
import type { Schema } from '../openapi/types.ts';

/** The own state of a recipient, as JSON. */
export interface RecipientRow {
  /** The position in `to`, `cc` and `bcc`, from 1. */
  position: number;
  status: Schema<'MessageStatus'>;
  error: StoredError | null;
  /** The account that accepted the message; null for a recipient who was suppressed before. */
  provider: string | null;
  provider_message_id: string | null;
  updated_at: string;
}

/** A mark of a recipient, as JSON. */
export interface MarkRow {
  /** The position in `to`, `cc` and `bcc`, from 1. */
  position: number;
  mark: 'complained' | 'unsubscribed' | 'opened' | 'clicked';
  occurred_at: string;
}

type Addresses = Pick<Message, 'to' | 'cc' | 'bcc'>;

/** A message with the state of its delivery, which each recipient without a state of its own has too. */
interface Addressed extends Addresses {
  direction: Message['direction'];
  status: Schema<'MessageStatus'>;
  error: StoredError | null;
  provider_message_id: string | null;
  updated_at: Date;
  recipients?: RecipientRow[] | null;
}

/** The state of a recipient who was suppressed when the message was recorded. */
export function skippedRecipient(
  { position, error }: Pick<RecipientRow, 'position' | 'error'>,
  created_at: Date,
): RecipientRow {
  const unsent = { provider: null, provider_message_id: null };
  return { position, status: 'failed', error, ...unsent, updated_at: created_at.toISOString() };
}

/** The recipients of an outbound message with several recipients. */
export function presentRecipients(row: Addressed): Pick<Schema<'Message'>, 'recipients'> {
  const addresses = addressesOf(row);
  if (row.direction === 'inbound' || addresses.length < 2) return {};
  const { status, error, provider_message_id, updated_at } = row;
  const own = new Map(row.recipients?.map((recipient) => [recipient.position, recipient]));
  return {
    recipients: addresses.map((address, index) => {
      const recipient = own.get(index + 1);
      // The id of the message is the id for each recipient who has no other id.
      const messageId = recipient?.provider === null ? null : provider_message_id;
      return {
        address,
        status: recipient?.status ?? status,
        error: presentError(recipient ? recipient.error : error),
        provider_message_id: recipient?.provider_message_id ?? messageId,
        updated_at: new Date(recipient?.updated_at ?? updated_at).toISOString(),
      };
    }),
  };
}

/** The recipients with marks, in the order of their positions. */
export function presentMarks(message: Addresses, marks: MarkRow[]): Schema<'RecipientMarks'>[] {
  const addresses = addressesOf(message);
  return [...Map.groupBy(marks, ({ position }) => position)].map(([position, own]) => {
    const time = (mark: MarkRow['mark']) => {
      const found = own.find((each) => each.mark === mark);
      return found ? new Date(found.occurred_at).toISOString() : null;
    };
    return {
      address: addresses[position - 1] as string,
      complained_at: time('complained'),
      unsubscribed_at: time('unsubscribed'),
      opened_at: time('opened'),
      clicked_at: time('clicked'),
    };
  });
}

/** The addresses in the order of their positions. */
function addressesOf({ to, cc, bcc }: Addresses): string[] {
  return [...to, ...(cc ?? []), ...(bcc ?? [])];
}

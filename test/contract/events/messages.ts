import { MatchersV3 } from '@pact-foundation/pact';
import type { Schema } from '../../../src/openapi/types.ts';
import * as resources from '../sdk/resources.ts';
import { filled, mailbox, phone, time, link as url } from '../shapes.ts';

const { eachLike, integer, string } = MatchersV3;

type EventType = Schema<'EventType'>;

const accepted = { provider: filled('text-co'), provider_message_id: filled('sms_1') };
const error = {
  code: filled('30003'),
  detail: string('The recipient cannot be reached'),
  class: filled('unreachable'),
  url: null,
};
const message = (fields: object) =>
  resources.message({ actor: null, purpose: filled('conversational'), redacted_at: null, ...fields });
const { links: _, ...shown } = resources.participant();
const participant = { ...shown, erased_at: null };
const link = { participant_id: integer(2), linked_at: time() };
const PICTURE = 'https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1';
const picture = {
  ...{ id: integer(12), state: 'failed', content_type: null, size: null, name: null, url: null },
  error: { code: filled('address_not_allowed'), detail: string('127.0.0.1 is not a public address') },
  created_at: time(),
};
const provider = { name: filled('text-co'), channel: 'sms' };

function suppressionChange(change: string, reasons: string[]): object {
  return {
    ...{ id: integer(1), suppression_id: integer(1), address: phone('+18045551234'), channel: 'sms' },
    ...{ scope: filled('all'), sender: null, change, reason: filled('manual'), reasons },
    ...{ message_id: null, receipt: null, account: null, actor: null, note: null, created_at: time() },
  };
}

const report = {
  ...{ message_id: integer(1), conversation_id: integer(1), address: mailbox('ada@example.com') },
  ...{ bounce: null, error: null, occurred_at: time() },
};

/** The `data` of an event of each type. */
const DATA: Record<EventType, object> = {
  'message.received': message({
    ...{ direction: 'inbound', status: 'received', purpose: null, expires_at: null, ...accepted },
    ...{ from: phone('+18045551234'), to: [phone('+12016661234')], body: string('Hi there') },
  }),
  'message.media_settled': message({
    ...{
      direction: 'inbound',
      type: 'mms',
      status: 'received',
      purpose: null,
      segments: null,
      expires_at: null,
    },
    ...{
      from: phone('+18045551234'),
      to: [phone('+12016661234')],
      attachments: eachLike(url(PICTURE)),
      ...accepted,
    },
    media: eachLike(picture),
  }),
  'message.queued': message({ status: 'queued' }),
  'message.sent': message({ status: 'sent', ...accepted }),
  'message.delivered': message({ status: 'delivered', ...accepted }),
  'message.undelivered': message({ status: 'undelivered', ...accepted, error }),
  'message.failed': message({ status: 'failed', provider: filled('text-co'), error }),
  'message.unknown': message({ status: 'unknown', provider: filled('text-co'), error }),
  'message.canceled': message({ status: 'canceled', send_at: time() }),
  'recipient.bounced': { ...report, bounce: filled('hard'), error },
  'recipient.complained': report,
  'recipient.unsubscribed': report,
  'recipient.opened': report,
  'recipient.clicked': report,
  'conversation.created': resources.conversation,
  'conversation.merged': {
    ...resources.conversation,
    ...{ merged_into: integer(1), merged_ids: eachLike(integer(2)) },
    last_message: {
      id: integer(2),
      direction: 'outbound',
      type: 'sms',
      preview: string('Hello'),
      created_at: time(),
    },
  },
  'participant.linked': { ...participant, links: eachLike({ ...link, unlinked_at: null }) },
  'participant.unlinked': { ...participant, links: eachLike({ ...link, unlinked_at: time() }) },
  'participant.erased': {
    ...participant,
    links: eachLike({ ...link, unlinked_at: time() }),
    name: null,
    address_type: 'other',
    erased_at: time(),
  },
  'provider.unavailable': { ...provider, error },
  'provider.recovered': { ...provider, error: null },
  'endpoint.disabled': {
    id: integer(1),
    url: url('https://example.com/events'),
    event_types: [],
    description: null,
    enabled: false,
    disabled_reason: filled('gone'),
    disabled_at: time(),
    failing_since: null,
    position: integer(42),
    pending_count: integer(0),
    failed_count: integer(0),
    created_at: time(),
    updated_at: time(),
  },
  'quarantine.added': {
    id: integer(1),
    account: filled('text-co'),
    state: 'quarantined',
    reason: filled('unknown_shape'),
    detail: string('The webhook has no form that the kind of the account knows.'),
    body_bytes: integer(18),
    received_count: integer(1),
    attempts: integer(0),
    next_attempt_at: null,
    received_at: time(),
    last_received_at: time(),
  },
  'suppression.added': suppressionChange('added', ['manual']),
  'suppression.removed': suppressionChange('removed', []),
};

export const TYPES = Object.keys(DATA) as EventType[];

/** The description of the message of a type in the contract. */
export const descriptionOf = (type: EventType) => `an event of the type ${type}`;

/** An event as the contract has it. */
export function eventOf(type: EventType): object {
  return { id: integer(42), type, timestamp: time(), data: DATA[type] };
}

import { arrayOf, type Items, objectOf } from './read-items.ts';

/**
 * The fields of each type of line. Left out are the columns that say nothing about a person: hashes, search documents, leases,
 * positions in queues and traces, and the keys and links that are secrets.
 */
const items = (
  type: string,
  from: string,
  keys: readonly string[],
  where: string,
  fields: readonly string[],
): Items => ({ type, from, keys, where, fields });

const SOURCE = ['message_id', 'receipt_id', 'account', 'actor', 'note'];

export const PARTICIPANTS = items('participant', 'participants', ['id'], 'id = any(:ids)', [
  ...['id', 'address', 'address_type', 'name', 'external_id', 'metadata', 'person_id'],
  ...['created_at', 'updated_at', 'erased_at'],
]);

export const LINKS = items(
  'link',
  'participant_links',
  ['id'],
  '(participant_id = any(:ids) or other_id = any(:ids))',
  ['id', 'participant_id', 'other_id', 'linked_at', 'unlinked_at'],
);

export const SUPPRESSIONS = items('suppression', 'suppressions', ['id'], 'address_hash = any(:hashes)', [
  ...['id', 'address', 'channel', 'scope', 'sender', 'reasons', ...SOURCE],
  ...['created_at', 'updated_at'],
]);

export const SUPPRESSION_CHANGES = items(
  'suppression_change',
  'suppression_changes',
  ['id'],
  'address_hash = any(:hashes)',
  [
    ...['id', 'suppression_id', 'address', 'channel', 'scope', 'sender', 'change', 'reason', 'reasons'],
    ...[...SOURCE, 'created_at'],
  ],
);

export const OPT_OUTS = items('opt_out', 'opt_outs', ['id'], 'address = any(:addresses)', [
  ...['id', 'account', 'address', 'sender', 'action', 'keyword', 'source', 'provider_message_id'],
  ...['message_id', 'attempt', 'is_answered', 'occurred_at', 'applied_at'],
]);

export const ERASURES = items('erasure', 'erasures', ['id'], 'participant_ids && :ids', [
  ...['id', 'participant_id', 'participant_ids', 'addresses', 'person', 'state', 'counts', 'actor'],
  ...['requested_at', 'completed_at'],
]);

/** The conversations of one participant, each with the smallest of the exported participants only. */
export const CONVERSATIONS = items(
  'conversation',
  'conversation_participants as member join conversations on conversations.id = conversation_id',
  ['conversation_id'],
  `participant_id = :participant and not exists (
    select from conversation_participants as other
    where other.conversation_id = member.conversation_id and other.participant_id = any(:ids)
      and other.participant_id < member.participant_id)`,
  [
    ...['id', 'channel', 'participant_ids', 'merged_into_id', 'message_count', 'external_id'],
    ...['own_metadata as metadata', 'conversations.created_at', 'last_message_at'],
  ],
);

const DELIVERY = objectOf(
  [
    ...['status', 'error', 'provider', 'provider_message_id', 'send_at', 'expires_at', 'attempt_count'],
    ...['may_have_been_sent', 'created_at', 'updated_at'],
  ],
  'from deliveries where message_id = messages.id',
);
const MESSAGE_IDS = `(
  select array_agg(internet_message_id order by internet_message_id)
  from email_message_ids where message_id = messages.id) as internet_message_ids`;
const EMAIL = objectOf(
  [
    ...['is_html', 'text', 'stripped_text', 'headers', 'names', 'url_files', 'internet_message_id'],
    ...['wire_message_id', MESSAGE_IDS, 'in_reply_to_id', 'reference_ids', 'sent_in_reply_to'],
    ...['sent_reference_ids', 'delivered_to', 'auto_reply', 'spam', 'raw_media_id'],
  ],
  'from emails where message_id = messages.id',
);
const FILES = arrayOf(
  ['media_id', 'position', 'name', 'content_id'],
  'from message_media where message_id = messages.id order by position',
);
const MESSAGE = [
  ...['id', 'conversation_id', 'sender_id', 'direction', 'type', '"from"', '"to"', 'cc', 'bcc', 'reply_to'],
  ...['subject', 'body', 'attachments', 'metadata', 'provider', 'provider_message_id', 'segments', 'payload'],
  ...['purpose', 'actor', '"timestamp"', 'created_at', 'redacted_at'],
  ...[`${DELIVERY} as delivery`, `${EMAIL} as email`, `${FILES} as media`],
];

export const MESSAGES = items('message', 'messages', ['id'], 'conversation_id = :conversation', MESSAGE);
export const NAMED_MESSAGES = items('message', 'messages', ['id'], 'id = any(:messages)', MESSAGE);

const EVENT = ['type', 'subject_id', 'conversation_id', 'changes', 'created_at'];
const POSITIONED = ['id as position', ...EVENT];
export const EVENTS = items('event', 'events', ['id'], 'conversation_id = :conversation', POSITIONED);
export const NAMED_EVENTS = items(
  'event',
  'events',
  ['id'],
  `conversation_id = any(:conversations) and subject_id = any(:messages) and type ~ '^(message|recipient)\\.'`,
  POSITIONED,
);
/** Events that have no position yet. */
export const NEW_EVENTS = items('event', 'event_inbox', ['id'], 'conversation_id = any(:conversations)', [
  'null::bigint as position',
  ...EVENT,
]);
export const ENDPOINT_ATTEMPTS = items(
  'endpoint_attempt',
  'endpoint_attempts',
  ['id'],
  'endpoint_id in (select id from endpoints) and event_id = any(:events)',
  [
    ...['endpoint_id', 'event_id', 'number', 'started_at', 'duration_ms', 'outcome', 'status_code'],
    ...['error_code', 'detail', 'response_body'],
  ],
);

const OF_MESSAGES = 'message_id = any(:messages)';

const RECEIPT = [
  ...['id', 'message_id', 'provider', 'provider_message_id', 'wire_message_id', 'recipient', 'status'],
  ...['error', 'bounce', 'occurred_at', 'received_at', 'payload'],
];
/** Receipts whose message is not known. */
export const UNASSIGNED_RECEIPTS = items(
  'receipt',
  'delivery_receipts',
  ['id'],
  'message_id is null',
  RECEIPT,
);

/** The rows that belong to messages. */
export const RELATED: readonly Items[] = [
  items('recipient', 'delivery_recipients', ['message_id', 'position'], OF_MESSAGES, [
    ...['message_id', 'position', 'address', 'status', 'error', 'provider', 'provider_message_id'],
    'updated_at',
  ]),
  items('attempt', 'delivery_attempts', ['message_id', 'number'], OF_MESSAGES, [
    ...['message_id', 'number', 'provider', 'started_at', 'duration_ms', 'outcome', 'http_status', 'code'],
    ...['class', 'detail', 'provider_message_id', 'next_attempt_at'],
  ]),
  items('receipt', 'delivery_receipts', ['message_id', 'id'], OF_MESSAGES, RECEIPT),
  items('action', 'delivery_actions', ['message_id', 'id'], OF_MESSAGES, [
    ...['id', 'message_id', 'action', 'from_status', 'actor', 'created_at'],
  ]),
  items('mark', 'recipient_marks', ['message_id', 'position', 'mark'], OF_MESSAGES, [
    ...['message_id', 'position', 'mark', 'occurred_at'],
  ]),
  items('idempotency_key', 'idempotency_keys', ['message_id', 'api_key_name', 'key'], OF_MESSAGES, [
    ...['api_key_name', 'key', 'operation', 'message_id', 'created_at'],
  ]),
  items(
    'copy',
    `messages join inbound_copies as first
       on first.provider = messages.provider and first.provider_message_id = messages.provider_message_id
     join inbound_copies as copy on copy.provider = first.provider and copy.copy_key = first.copy_key
       and copy.first_id = first.first_id`,
    ['copy.provider', 'copy.provider_message_id'],
    `messages.id = any(:messages) and direction = 'inbound'`,
    [
      ...['messages.id as message_id', 'copy.provider', 'copy.provider_message_id', 'copy.recipient'],
      ...['copy.received_at', 'copy.created_at'],
    ],
  ),
];

/** The files of messages, and raw emails. */
export const MEDIA = items(
  'media',
  'media',
  ['id'],
  `id in (
    select media_id from message_media where ${OF_MESSAGES}
    union select raw_media_id from emails where ${OF_MESSAGES})`,
  [
    ...['id', 'state', 'content_type', 'size', `encode(sha256, 'hex') as sha256`, 'name', 'source_url'],
    ...['account', 'error', 'actor', 'created_at', 'updated_at'],
  ],
);

export const WEBHOOKS = items('webhook', 'webhook_inbox', ['id'], 'true', [
  ...['id', 'account', 'state', 'target', 'headers', 'reason', 'detail', 'received_count', 'received_at'],
  ...['last_received_at', 'attempts', 'object_bytes', 'object_id', `encode(body, 'base64') as body`],
]);

import { MatchersV3 } from '@pact-foundation/pact';
import { filled, link, phone, time } from '../shapes.ts';

const { eachLike, integer, number, regex, string } = MatchersV3;

/** The resources of the service with every field of the SDK's types, and free values where the types allow them. */
export function message(fields: object = {}) {
  return {
    id: integer(1),
    conversation_id: integer(1),
    direction: 'outbound',
    type: 'sms',
    from: phone('+12016661234'),
    to: [phone('+18045551234')],
    body: string('Hello! This is a test SMS message.'),
    attachments: [],
    status: 'queued',
    error: null,
    provider: null,
    provider_message_id: null,
    segments: integer(1),
    metadata: {},
    timestamp: time(),
    send_at: null,
    next_attempt_at: null,
    expires_at: time(),
    created_at: time(),
    updated_at: time(),
    ...fields,
  };
}

export const delivered = message({
  status: 'delivered',
  provider: filled('text-co'),
  provider_message_id: filled('sms_1'),
});

export const attempt = {
  number: integer(1),
  provider: filled('text-co'),
  started_at: time(),
  duration_ms: number(7),
  outcome: 'accepted',
  http_status: integer(202),
  code: null,
  detail: null,
  provider_message_id: filled('sms_1'),
  next_attempt_at: null,
};

export const statusEntry = { type: 'status', at: time(), status: 'scheduled' };

export const receipt = {
  provider: filled('text-co'),
  provider_message_id: filled('sms_1'),
  message_id: integer(1),
  status: 'delivered',
  error: null,
  occurred_at: time(),
  received_at: time(),
};

const address_type = regex(/^(phone|short_code|alphanumeric|email)$/, 'phone');

export const conversation = {
  id: integer(1),
  external_id: null,
  metadata: {},
  merged_into: null,
  merged_ids: [],
  channels: ['sms'],
  participants: eachLike({
    id: integer(1),
    address: filled('+12016661234'),
    address_type,
    name: null,
    external_id: null,
    person_id: integer(1),
  }),
  message_count: integer(2),
  last_message: {
    id: integer(2),
    direction: 'inbound',
    type: 'sms',
    preview: string('This is an incoming SMS message'),
    created_at: time(),
  },
  created_at: time(),
  last_message_at: time(),
};

export function participant(fields: object = {}) {
  return {
    id: integer(1),
    address: filled('+18045551234'),
    address_type,
    name: null,
    external_id: null,
    metadata: {},
    person_id: integer(1),
    links: [],
    created_at: time(),
    updated_at: time(),
    ...fields,
  };
}

/** The last page of a list that has at least one item. */
export function page(item: object, more: object = {}) {
  return { data: eachLike(item), next_cursor: null, ...more };
}

export function problem(status: number, code: string, more: object = {}) {
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
    body: {
      status,
      code,
      detail: filled('What is wrong, in a sentence.'),
      request_id: filled('request-1'),
      ...more,
    },
  };
}

export const fault = (path: string) => ({ errors: [{ path, message: filled('is not an address') }] });

export const highlight = {
  highlight: {
    body: regex(/^[\s\S]*<mark>.+<\/mark>[\s\S]*$/, '<mark>Hello</mark>! This is a test SMS message.'),
  },
};
export const attachment = (url: string) => ({
  type: 'mms',
  segments: null,
  attachments: eachLike(link(url)),
});

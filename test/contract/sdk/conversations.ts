import { MatchersV3 } from '@pact-foundation/pact';
import { sms } from '../../support/bodies.ts';
import type { Interaction } from '../agreement.ts';
import { filled, phone } from '../shapes.ts';
import { call, IDS } from './call.ts';
import * as resources from './resources.ts';

const { integer } = MatchersV3;
const { message, page } = resources;
const { id } = IDS;

export function conversations(): Interaction[] {
  const given: Interaction['given'] = ['a conversation with two messages exists'];
  return [
    call({
      is: 'a request for the conversations of a participant',
      given,
      operation: 'GET /api/conversations',
      query: { participant: sms.to },
      response: { status: 200, body: page(resources.conversation) },
      calls: ({ conversations }) => conversations.list({ participant: [sms.to] }),
    }),
    call({
      is: 'a request for a conversation',
      given,
      operation: 'GET /api/conversations/{id}',
      response: { status: 200, body: resources.conversation },
      calls: ({ conversations }) => conversations.get(id),
    }),
    call({
      is: 'an external id and metadata for a conversation',
      given,
      operation: 'PATCH /api/conversations/{id}',
      body: { external_id: 'ticket-77', metadata: { team: 'returns' } },
      response: {
        status: 200,
        body: { ...resources.conversation, external_id: 'ticket-77', metadata: { team: 'returns' } },
      },
      calls: ({ conversations }) =>
        conversations.update(id, { external_id: 'ticket-77', metadata: { team: 'returns' } }),
    }),
    call({
      is: 'a request for the messages of a conversation',
      given,
      operation: 'GET /api/conversations/{id}/messages',
      query: { after_id: '0', order: 'desc', limit: '1' },
      response: {
        status: 200,
        body: {
          data: [
            message({
              id: integer(2),
              direction: 'inbound',
              from: phone(sms.to),
              to: [phone(sms.from)],
              status: 'received',
              expires_at: null,
              provider: filled('text-co'),
              provider_message_id: filled('message-1'),
            }),
          ],
          next_cursor: filled('next'),
        },
      },
      calls: ({ conversations }) => conversations.messages(id, { after_id: 0, order: 'desc', limit: 1 }),
    }),
  ];
}

import { type AcceptOptions, outboundMessage, type SendRequest } from '../../messaging/accept.ts';
import { listMessages } from '../../messaging/message-list.ts';
import { getMessage, listAttempts } from '../../messaging/messages.ts';
import { presentMessage } from '../../messaging/present.ts';
import type { Handlers } from '../../openapi/types.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listMessages'
  | 'sendMessage'
  | 'sendText'
  | 'sendEmail'
  | 'getMessage'
  | 'listMessageAttempts';

export function messageHandlers({ knex, parseAddress, recorder }: Context): Pick<Handlers, Operations> {
  const send = async (request: SendRequest, options: AcceptOptions) => {
    const { message, repeated } = await recorder.record(outboundMessage(parseAddress, request, options));
    const headers = {
      location: `/api/messages/${message.id}`,
      ...(repeated && { 'idempotent-replayed': 'true' }),
    };
    return { status: 202 as const, headers, body: presentMessage(message) };
  };
  return {
    sendMessage: ({ body, headers }) => send(body, { idempotencyKey: headers['idempotency-key'] }),
    sendText: ({ body, headers }) =>
      send(body, { channel: 'sms', idempotencyKey: headers['idempotency-key'] }),
    sendEmail: ({ body, headers }) =>
      send(body, { channel: 'email', idempotencyKey: headers['idempotency-key'] }),
    listMessages: async ({ query }) => ({
      status: 200,
      body: await listMessages(knex, parseAddress, query),
    }),
    getMessage: async ({ params }) => ({ status: 200, body: await getMessage(knex, params.id) }),
    listMessageAttempts: async ({ params, query }) => ({
      status: 200,
      body: await listAttempts(knex, params.id, query),
    }),
  };
}

import { type AcceptOptions, outboundMessage, type SendRequest } from '../../messaging/accept.ts';
import { listMessages } from '../../messaging/message-list.ts';
import { getMessage, listAttempts } from '../../messaging/messages.ts';
import { presentMessage } from '../../messaging/present.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listMessages'
  | 'sendMessage'
  | 'sendText'
  | 'sendEmail'
  | 'getMessage'
  | 'listMessageAttempts'
  | 'cancelMessage'
  | 'retryMessage';

export function messageHandlers({
  knex,
  parseAddress,
  recorder,
  decisions,
}: Context): Pick<Handlers, Operations> {
  const send = async (request: SendRequest, options: AcceptOptions) => {
    const { message, repeated } = await recorder.record(outboundMessage(parseAddress, request, options));
    const headers = { location: `/api/messages/${message.id}`, ...replayed(repeated) };
    return { status: 202 as const, headers, body: presentMessage(message) };
  };
  const decide = async (decision: 'cancel' | 'retry', id: number, key: string | undefined) => {
    const { repeated } = await decisions.decide(decision, id, key);
    return { headers: replayed(repeated), body: await getMessage(knex, id) };
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
    cancelMessage: async ({ params, headers }) => ({
      status: 200,
      ...(await decide('cancel', params.id, headers['idempotency-key'])),
    }),
    retryMessage: async ({ params, headers }) => {
      const { headers: own, body } = await decide('retry', params.id, headers['idempotency-key']);
      return { status: 202, headers: { location: `/api/messages/${params.id}`, ...own }, body };
    },
  };
}

function replayed(repeated: boolean): Record<string, string> {
  return repeated ? { 'idempotent-replayed': 'true' } : {};
}

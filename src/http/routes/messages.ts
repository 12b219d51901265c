import { presentMessage } from '../../messaging/message-view.ts';
import { listMessages } from '../../messaging/reading/message-list.ts';
import { getMessage, listAttempts } from '../../messaging/reading/messages.ts';
import { type AcceptOptions, outboundMessage, type SendRequest } from '../../messaging/recording/outbound.ts';
import type { Reserve } from '../../openapi/types.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listMessages'
  | 'sendMessage'
  | 'sendSms'
  | 'sendEmail'
  | 'getMessage'
  | 'listMessageAttempts'
  | 'cancelMessage'
  | 'retryMessage';

export function messageHandlers({
  knex,
  parseAddress,
  recorder,
  manualActions,
  searches,
}: Context): Pick<Handlers, Operations> {
  const send = async (request: SendRequest, options: AcceptOptions, reserve: Reserve) => {
    const { message, repeated } = await recorder.record(
      outboundMessage(parseAddress, request, options),
      reserve,
    );
    const headers = { location: `/api/messages/${message.id}`, ...replayed(repeated) };
    return { status: 202 as const, headers, body: presentMessage(message) };
  };
  const decide = async (
    action: 'cancel' | 'retry',
    id: number,
    key: string | undefined,
    reserve: Reserve,
  ) => {
    const { repeated } = await manualActions.apply(action, id, key);
    return { headers: replayed(repeated), body: await getMessage(knex, id, reserve) };
  };
  return {
    sendMessage: ({ body, headers, reserve }) =>
      send(body, { idempotencyKey: headers['idempotency-key'] }, reserve),
    sendSms: ({ body, headers, reserve }) =>
      send(body, { channel: 'sms', idempotencyKey: headers['idempotency-key'] }, reserve),
    sendEmail: ({ body, headers, reserve }) =>
      send(body, { channel: 'email', idempotencyKey: headers['idempotency-key'] }, reserve),
    listMessages: async ({ query, reserve }) => ({
      status: 200,
      body: await listMessages({ knex, parse: parseAddress, searches }, query, reserve),
    }),
    getMessage: async ({ params, reserve }) => ({
      status: 200,
      body: await getMessage(knex, params.id, reserve),
    }),
    listMessageAttempts: async ({ params, query }) => ({
      status: 200,
      body: await listAttempts(knex, params.id, query),
    }),
    cancelMessage: async ({ params, headers, reserve }) => ({
      status: 200,
      ...(await decide('cancel', params.id, headers['idempotency-key'], reserve)),
    }),
    retryMessage: async ({ params, headers, reserve }) => {
      const { headers: own, body } = await decide('retry', params.id, headers['idempotency-key'], reserve);
      return { status: 202, headers: { location: `/api/messages/${params.id}`, ...own }, body };
    },
  };
}

function replayed(repeated: boolean): Record<string, string> {
  return repeated ? { 'idempotent-replayed': 'true' } : {};
}

import { presentMessage } from '../../messaging/message-view.ts';
import {
  type OutboundOptions,
  outboundMessage,
  type SendRequest,
} from '../../messaging/recording/outbound.ts';
import { submit } from '../../messaging/recording/submit.ts';
import type { IdempotencyKey, Reserve } from '../../openapi/types.ts';
import type { Caller, Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listMessages'
  | 'sendMessage'
  | 'sendSms'
  | 'sendEmail'
  | 'getMessage'
  | 'listMessageAttempts'
  | 'listMessageTimeline'
  | 'cancelMessage'
  | 'retryMessage';

export function messageHandlers({
  parseAddress,
  recorder,
  providers,
  reader,
  timelines,
  manualActions,
}: Context): Pick<Handlers, Operations> {
  const send = async (request: SendRequest, options: OutboundOptions, reserve: Reserve) => {
    const outbound = outboundMessage(parseAddress, request, options);
    const { message, repeated } = await submit(recorder, providers, outbound, reserve);
    const headers = { location: `/api/messages/${message.id}`, ...replayed(repeated) };
    return { status: 202 as const, headers, body: presentMessage(message) };
  };
  const apply = async (
    action: 'cancel' | 'retry',
    id: number,
    key: IdempotencyKey | undefined,
    reserve: Reserve,
  ) => {
    const result = await manualActions.apply(action, id, key);
    return { headers: replayed(result === 'repeated'), body: await reader.getMessage(id, reserve) };
  };
  return {
    sendMessage: ({ body, headers, caller, reserve }) => send(body, { key: keyOf(caller, headers) }, reserve),
    sendSms: ({ body, headers, caller, reserve }) =>
      send(body, { channel: 'sms', key: keyOf(caller, headers) }, reserve),
    sendEmail: ({ body, headers, caller, reserve }) =>
      send(body, { channel: 'email', key: keyOf(caller, headers) }, reserve),
    listMessages: async ({ query, reserve }) => ({
      status: 200,
      body: await reader.listMessages(query, reserve),
    }),
    getMessage: async ({ params, reserve }) => ({
      status: 200,
      body: await reader.getMessage(params.id, reserve),
    }),
    listMessageAttempts: async ({ params, query }) => ({
      status: 200,
      body: await timelines.attempts(params.id, query),
    }),
    listMessageTimeline: async ({ params, query }) => ({
      status: 200,
      body: await timelines.entries(params.id, query),
    }),
    cancelMessage: async ({ params, headers, caller, reserve }) => ({
      status: 200,
      ...(await apply('cancel', params.id, keyOf(caller, headers), reserve)),
    }),
    retryMessage: async ({ params, headers, caller, reserve }) => {
      const { headers: own, body } = await apply('retry', params.id, keyOf(caller, headers), reserve);
      return { status: 202, headers: { location: `/api/messages/${params.id}`, ...own }, body };
    },
  };
}

/** The `Idempotency-Key` in the key space of the API key's name, which does not change in a rotation of the API key. */
function keyOf(
  caller: Caller,
  headers: { 'idempotency-key'?: string | undefined },
): IdempotencyKey | undefined {
  const key = headers['idempotency-key'];
  return key === undefined
    ? undefined
    : { apiKeyName: (caller.type === 'api_key' && caller.name) || '', key };
}

function replayed(repeated: boolean): Record<string, string> {
  return repeated ? { 'idempotent-replayed': 'true' } : {};
}

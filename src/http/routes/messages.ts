import type { ActionRequest } from '../../delivery/manual-actions.ts';
import {
  type OutboundOptions,
  outboundMessage,
  type SendRequest,
} from '../../messaging/recording/outbound.ts';
import { submit } from '../../messaging/recording/submit.ts';
import type { OperationId, OperationRequest } from '../../openapi/types.ts';
import { actorOf, type Caller, type Handlers, uploaderOf } from '../auth/caller.ts';
import type { Context } from './context.ts';

type Operations =
  | 'listMessages'
  | 'sendMessage'
  | 'sendSms'
  | 'sendEmail'
  | 'previewMessage'
  | 'getMessage'
  | 'listMessageAttempts'
  | 'listMessageTimeline'
  | 'cancelMessage'
  | 'retryMessage'
  | 'redactMessage';

export function messageHandlers({
  parseAddress,
  recorder,
  providers,
  allowedCountries,
  findMedia,
  findRepliedTo,
  storage,
  unsubscribeLinks,
  preview,
  reader,
  timelines,
  manualActions,
  redact,
  presentMessage,
}: Context): Pick<Handlers, Operations> {
  const send = async (
    request: Request<'sendMessage' | 'sendSms' | 'sendEmail'>,
    channel?: OutboundOptions['channel'],
  ) => {
    const { traceparent } = request;
    const options = { ...identityOf(request), traceparent, ...(channel && { channel }) };
    const body: SendRequest = request.body;
    const outbound = outboundMessage(parseAddress, body, options);
    const { message, repeated } = await submit(
      recorder,
      {
        providers,
        allowedCountries,
        findMedia,
        findRepliedTo,
        storage,
        unsubscribeLinks,
        uploader: uploaderOf(request.caller),
      },
      outbound,
      request.reserve,
    );
    const headers = { location: `/api/messages/${message.id}`, ...replayed(repeated) };
    return { status: 202 as const, headers, body: presentMessage(message, { html: true }) };
  };
  const apply = async (action: 'cancel' | 'retry', request: Request<'cancelMessage' | 'retryMessage'>) => {
    const { id } = request.params;
    const result = await manualActions.apply(action, id, identityOf(request));
    return { headers: replayed(result === 'repeated'), body: await reader.getMessage(id, request.reserve) };
  };
  return {
    sendMessage: (request) => send(request),
    sendSms: (request) => send(request, 'sms'),
    sendEmail: (request) => send(request, 'email'),
    previewMessage: async ({ caller, body }) => ({
      status: 200,
      body: await preview(body, uploaderOf(caller)),
    }),
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
    cancelMessage: async (request) => ({ status: 200, ...(await apply('cancel', request)) }),
    retryMessage: async (request) => {
      const { headers, body } = await apply('retry', request);
      return { status: 202, headers: { location: `/api/messages/${request.params.id}`, ...headers }, body };
    },
    redactMessage: async (request) => {
      const { id } = request.params;
      const repeated = await redact(id, identityOf(request));
      return { status: 200, headers: replayed(repeated), body: await reader.getMessage(id, request.reserve) };
    },
  };
}

type Request<Id extends OperationId> = OperationRequest<Id, Caller>;

/**
 * The actor and the `Idempotency-Key` of a request. The key is in the key space of the API key's name, which does not change in
 * a rotation of the API key.
 */
function identityOf({
  caller,
  headers,
}: {
  caller: Caller;
  headers: { 'idempotency-key'?: string | undefined };
}): ActionRequest {
  const key = headers['idempotency-key'];
  const actor = actorOf(caller);
  return { actor, key: key === undefined ? undefined : { apiKeyName: actor ?? '', key } };
}

function replayed(repeated: boolean): Record<string, string> {
  return repeated ? { 'idempotent-replayed': 'true' } : {};
}

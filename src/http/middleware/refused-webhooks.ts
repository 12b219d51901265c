import type { Request } from 'express';
import type { Fault } from '../../errors.ts';
import type { Events } from '../../observability/events.ts';
import { stateOf } from '../request-state.ts';
import { requestId } from './request-log.ts';

/** The fields with the provider's id of a message. */
const ID_FIELDS = ['messaging_provider_id', 'xillio_id'];
/** Maximum length of an id in the log. */
const MAX_ID = 255;

export interface Refusal {
  status: number;
  code: string;
  errors?: Fault[];
}

/**
 * Reports a verified webhook with an error response, because its message is lost unless the provider repeats the webhook.
 * Does not report a 503, after which providers repeat the webhook.
 */
export function reportRefusedWebhook(
  events: Events,
  request: Request,
  { status, code, errors }: Refusal,
): void {
  const { caller } = stateOf(request);
  if (caller?.type !== 'provider' || status === 503) return;
  const { name, channel } = caller.provider;
  events.webhookRefused({
    ...{ channel, provider: name, reason: code, requestId: requestId(request) },
    providerMessageId: idIn(request.body),
    errors: errors ?? [],
  });
}

/** The provider's id; null if the body could not be parsed or has no id. */
function idIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const ids = ID_FIELDS.map((field) => (body as Record<string, unknown>)[field]);
  const id = ids.find((each) => typeof each === 'string' || typeof each === 'number');
  return id === undefined ? null : `${id}`.slice(0, MAX_ID);
}

import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { fetchFiles } from '../../media/fetch.ts';
import { callOf } from '../../middleware/log-calls.ts';
import { occurs, webhookUrlOf } from '../../settings.ts';
import type { Call } from '../../store.ts';
import type { AccountContext } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { mediaUrlsOf } from './media.ts';
import { deliveryErrorOf, refusalOf, type SendRequest } from './refusals.ts';
import { progress, stepsOf } from './statuses.ts';

/** "Invalid resource". Source: https://developer.vonage.com/en/api-errors/messages */
const MEDIA_UNREADABLE = 1380;

/** `POST /v1/messages`. Each request creates a message: Vonage has no idempotency keys. */
export async function createMessage(
  context: AccountContext,
  request: Request,
  response: Response,
): Promise<void> {
  const fields: SendRequest = request.body;
  const { simulation } = context;
  const call = callOf(response);
  call.status_callback = fields.webhook_url ?? null;
  call.client_ref = fields.client_ref ?? null;
  const refusal = refusalOf(fields, simulation.settings);
  const accept = () => acceptMessage(context, fields, call);
  const ended = await simulation.endsByFault(
    // With `+`, so that a fault for a recipient affects every dialect.
    { kind: 'send', dialect: 'vonage', channel: 'sms', recipients: [`+${fields.to}`] },
    {
      ...{ request, response, acceptedStatus: 202 },
      proceed: () => (refusal === null ? accept() : undefined),
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, { code: refusal });
  response.status(202).json(await accept());
}

/** Creates a message and starts to send it. Early status webhooks have been sent when the promise resolves. */
async function acceptMessage(
  context: AccountContext,
  request: SendRequest,
  call: Call,
): Promise<{ message_uuid: string }> {
  const { simulation, account } = context;
  const { settings, random } = simulation;
  const id = randomUUID();
  call.message_id = id;
  const accepted = simulation.store.add({
    ...{ id, dialect: 'vonage', channel: 'sms', idempotency_key: null },
    request: { ...request },
  });
  const stepsAfter = (error: number | null) => stepsOf(error, settings, random);
  const steps = stepsAfter(deliveryErrorOf(request, account));
  const isEarly = occurs(settings.receipts.early_rate, random);
  const url = () => request.webhook_url ?? webhookUrlOf(simulation, 'vonage');
  const read = fetchFiles(accepted, mediaUrlsOf({ ...request }), simulation);
  const sent = { id, request, accepted };
  const progressed = read
    ? read.then((ok) => progress(sent, ok ? steps : stepsAfter(MEDIA_UNREADABLE), context, url, isEarly))
    : progress(sent, steps, context, url, isEarly);
  if (isEarly) await progressed;
  return { message_uuid: id };
}

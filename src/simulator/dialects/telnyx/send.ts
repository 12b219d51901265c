import type { Request, Response } from 'express';
import { fetchFiles } from '../../media/fetch.ts';
import { callOf } from '../../middleware/log-calls.ts';
import { occurs } from '../../settings.ts';
import type { Call } from '../../store.ts';
import type { AccountContext } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import { messageOf, presented, type SendRequest } from './message.ts';
import { refusalOf } from './refusals.ts';
import { progress } from './webhooks/reports.ts';

/** "Invalid MMS content". */
const MEDIA_UNREADABLE = 40_317;

/**
 * `POST /v2/messages`, and `POST /v2/messages/group_mms` for groups. Each request creates a message: Telnyx has no idempotency
 * keys for messages.
 */
export async function createMessage(
  context: AccountContext,
  request: Request,
  response: Response,
  isGroup: boolean,
): Promise<void> {
  const body: SendRequest = request.body;
  const { simulation, account } = context;
  const call = callOf(response);
  call.status_callback = body.webhook_url ?? null;
  const refusal = refusalOf(body, isGroup, account, simulation.settings);
  const accept = () => acceptMessage(context, body, isGroup, call);
  const ended = await simulation.endsByFault(
    { kind: 'send', dialect: 'telnyx', channel: 'sms', recipients: [body.to].flat() },
    {
      ...{ request, response, acceptedStatus: 200 },
      proceed: () => (refusal === null ? accept() : undefined),
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, refusal);
  response.status(200).json({ data: await accept() });
}

/**
 * Creates a message and starts to send it. Early reports have been sent when the promise resolves.
 *
 * @returns the JSON of the message at its creation.
 */
async function acceptMessage(
  context: AccountContext,
  request: SendRequest,
  isGroup: boolean,
  call: Call,
): Promise<object> {
  const { simulation, account } = context;
  const { settings, random } = simulation;
  const message = messageOf(request, isGroup);
  account.messages.set(message.id, message);
  call.message_id = message.id;
  const created = presented(message);
  const accepted = simulation.store.add({
    ...{ id: message.id, dialect: 'telnyx', channel: 'sms', idempotency_key: null },
    request: { ...request },
  });
  const isEarly = occurs(settings.receipts.early_rate, random);
  const read = fetchFiles(accepted, message.mediaUrls, simulation);
  const progressed = read
    ? read.then((ok) => progress(message, accepted, context, isEarly, ok ? null : MEDIA_UNREADABLE))
    : progress(message, accepted, context, isEarly);
  if (isEarly) await progressed;
  return created;
}

import type { Request, Response } from 'express';
import { fetchFiles } from '../../media/fetch.ts';
import { callOf } from '../../middleware/log-calls.ts';
import { occurs } from '../../settings.ts';
import type { Call } from '../../store.ts';
import type { AccountContext } from './account.ts';
import { errorBody, refuse } from './errors.ts';
import type { Parameters } from './form.ts';
import { type Message, newMedia, newSid, presented } from './message.ts';
import { deliveryErrorOf, refusalOf } from './refusals.ts';
import { progress, type Sent, stepsOf } from './webhooks/statuses.ts';

/** "HTTP retrieval failure". Source: https://www.twilio.com/docs/api/errors/11200 */
const MEDIA_UNREADABLE = 11200;

/** `POST /Accounts/{AccountSid}/Messages.json`. Each request creates a message: Twilio has no idempotency keys. */
export async function createMessage(
  context: AccountContext,
  request: Request,
  response: Response,
): Promise<void> {
  const parameters: Parameters = request.body;
  const { simulation, account } = context;
  if (parameters.SendAt !== undefined || parameters.ScheduleType !== undefined)
    return refuse(response, 20001, 'The simulator does not schedule messages');
  const call = callOf(response);
  call.status_callback = (parameters.StatusCallback as string | undefined) || null;
  const refusal = refusalOf(parameters, account, simulation.settings);
  const accept = () => acceptMessage(context, parameters, call);
  const ended = await simulation.endsByFault(
    { kind: 'send', dialect: 'twilio', channel: 'sms', recipients: [String(parameters.To)] },
    {
      ...{ request, response, acceptedStatus: 201 },
      proceed: () => (refusal === null ? accept() : undefined),
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, refusal);
  response.status(201).json(await accept());
}

/**
 * Creates a message and starts to send it. Early status callbacks have been sent when the promise resolves.
 *
 * @returns the JSON of the message at its creation.
 */
async function acceptMessage(context: AccountContext, parameters: Parameters, call: Call): Promise<object> {
  const { simulation, account } = context;
  const { settings, random } = simulation;
  const message = messageOfParameters(account.sid, parameters);
  account.messages.set(message.sid, message);
  call.message_id = message.sid;
  const created = presented(message);
  const sent: Sent = {
    message,
    accepted: simulation.store.add({
      ...{ id: message.sid, dialect: 'twilio', channel: 'sms', idempotency_key: null },
      request: parameters,
    }),
    statusCallback: call.status_callback,
  };
  const stepsAfter = (error: number | null) => stepsOf(message, error, settings, random);
  const steps = stepsAfter(deliveryErrorOf(parameters, account));
  const isEarly = occurs(settings.receipts.early_rate, random);
  const read = fetchFiles(sent.accepted, mediaUrlsOf(parameters), simulation);
  const progressed = read
    ? read.then((ok) => progress(sent, ok ? steps : stepsAfter(MEDIA_UNREADABLE), context, isEarly))
    : progress(sent, steps, context, isEarly);
  if (isEarly) await progressed;
  return created;
}

function messageOfParameters(accountSid: string, parameters: Parameters): Message {
  const { To, From, Body = '', MessagingServiceSid } = parameters as Record<string, string | undefined>;
  const createdAt = new Date();
  const media = mediaUrlsOf(parameters).map((url) => newMedia(contentTypeOf(url), createdAt));
  return {
    sid: newSid(media.length > 0 || parameters.SendAsMms === 'true' ? 'MM' : 'SM'),
    ...{ accountSid, direction: 'outbound-api', from: From || null, to: To as string, body: Body, media },
    messagingServiceSid: MessagingServiceSid || null,
    status: MessagingServiceSid ? 'accepted' : 'queued',
    ...{ errorCode: null, errorMessage: null, createdAt, updatedAt: createdAt, sentAt: null },
  };
}

function mediaUrlsOf({ MediaUrl = [] }: Parameters): string[] {
  return [MediaUrl].flat();
}

const CONTENT_TYPES: [extension: RegExp, type: string][] = [
  [/\.png$/i, 'image/png'],
  [/\.gif$/i, 'image/gif'],
  [/\.mp4$/i, 'video/mp4'],
  [/\.pdf$/i, 'application/pdf'],
];

/** The media are described before they are fetched, so the type follows the extension. */
function contentTypeOf(url: string): string {
  const [path = ''] = url.split(/[?#]/, 1);
  return CONTENT_TYPES.find(([extension]) => extension.test(path))?.[1] ?? 'image/jpeg';
}

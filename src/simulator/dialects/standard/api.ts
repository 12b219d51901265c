import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Exchange } from '../../faults.ts';
import { fetchFiles } from '../../media/fetch.ts';
import { serveFile } from '../../media/serve.ts';
import { answerError } from '../../middleware/error-response.ts';
import { callOf } from '../../middleware/log-calls.ts';
import { type Channel, occurs } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Accepted, Call } from '../../store.ts';
import { emailRefuses } from './email.ts';
import { type Outcome, outcomesOf, recipientsOf, report, UNREADABLE } from './receipts.ts';
import { smsRefuses } from './sms.ts';
import type { WebhookSender } from './webhooks.ts';

const REFUSES = { sms: smsRefuses, email: emailRefuses };

/** The API of one provider: send, look up by id or by idempotency key, and files of inbound messages. openapi.yaml validates the requests. */
export function providerApi(channel: Channel, simulation: Simulation, sender: WebhookSender): Router {
  const router = Router();
  router.post('/messages', (request, response) => send(channel, simulation, sender, request, response));
  router.get('/media/:id', async (request, response) => {
    const file = simulation.files.get(request.params.id);
    if (!file) return answerError(response, 404, 'not_found', 'There is no such file');
    await serveFile(simulation, { dialect: 'standard', channel, file, request, response, errorBody });
  });
  router.get(['/messages', '/messages/:id'], async (request, response, next) => {
    const exchange = exchangeOf(request, response, () => undefined);
    const lookUp = { kind: 'lookup', dialect: 'standard', channel, recipients: [] } as const;
    if (await simulation.endsByFault(lookUp, exchange)) return;
    if (simulation.settings.lookup) next();
    else answerError(response, 501, 'not_implemented', 'This provider has no look-up');
  });
  router.get('/messages', (request, response) => {
    const found = simulation.store.byKey(channel, String(request.query.idempotency_key));
    response.json({ data: found.map(presented) });
  });
  router.get('/messages/:id', (request, response) => {
    const found = simulation.store.byId(channel, request.params.id);
    if (found) response.json(presented(found));
    else answerError(response, 404, 'not_found', 'There is no such message');
  });
  return router;
}

async function send(
  channel: Channel,
  simulation: Simulation,
  sender: WebhookSender,
  request: Request,
  response: Response,
): Promise<void> {
  const { body } = request;
  const recipients = [body.to ?? []].flat().map(String);
  const refused = recipients.find(REFUSES[channel]);
  const accept = () => acceptMessage(channel, simulation, sender, request, callOf(response));
  const exchange = exchangeOf(request, response, () => (refused === undefined ? accept() : undefined));
  const sending = { kind: 'send', dialect: 'standard', channel, recipients } as const;
  if (await simulation.endsByFault(sending, exchange)) return;
  if (refused !== undefined)
    return answerError(response, 400, 'invalid_recipient', `${refused} is not a recipient`);
  const { id, recipients: ids } = await accept();
  response.status(202).json({ id, status: 'queued', ...(ids && { recipients: ids }) });
}

/**
 * Accepts a message and starts to send its receipts. If idempotency keys are supported, a repeated request returns the
 * first message. Early receipts have been sent when the promise resolves.
 */
async function acceptMessage(
  channel: Channel,
  simulation: Simulation,
  sender: WebhookSender,
  request: Request,
  call: Call,
): Promise<Accepted> {
  const { settings, store, random, signal } = simulation;
  const key = request.get('idempotency-key') ?? null;
  const { message, repeated } = store.accept(channel, key, request.body, settings.honour_idempotency_keys);
  call.message_id = message.id;
  const addresses = recipientsOf(message);
  if (!repeated && settings.receipts.recipients === 'id' && addresses.length > 1)
    message.recipients = addresses.map((address, index) => ({ address, id: `${message.id}-${index + 1}` }));
  if (repeated) return message;
  const read = fetchFiles(message, attachmentsOf(message), simulation);
  if (!settings.receipts.enabled) return message;
  const outcomes = outcomesOf(message, settings, random);
  const isEarly = occurs(settings.receipts.early_rate, random);
  const reportAll = (due: Outcome[]) =>
    report(message, due, () => simulation.settings, sender, signal, isEarly);
  const reported = read ? read.then((ok) => reportAll(ok ? outcomes : [UNREADABLE])) : reportAll(outcomes);
  if (isEarly) await reported;
  return message;
}

function attachmentsOf({ request: { attachments } }: Accepted): string[] {
  return Array.isArray(attachments) ? attachments.map(String) : [];
}

function exchangeOf(request: Request, response: Response, proceed: Exchange['proceed']): Exchange {
  return {
    ...{ request, response, proceed },
    acceptedStatus: 202,
    errorBody,
  };
}

function errorBody(status: number, code: string | number = `simulated_${status}`): object {
  return { error: { code: String(code), message: 'A simulated failure' } };
}

function presented({ id, idempotency_key, request, accepted_at, recipients }: Accepted): object {
  return {
    ...request,
    id,
    status: 'queued',
    idempotency_key,
    accepted_at,
    ...(recipients && { recipients }),
  };
}

/** Middleware that checks the API key of a call. */
export function requireKey(apiKey: string | undefined): RequestHandler {
  return (request, response, next) => {
    if (apiKey === undefined || request.get('authorization') === `Bearer ${apiKey}`) next();
    else answerError(response, 401, 'unauthorized', 'The API key is missing or wrong');
  };
}

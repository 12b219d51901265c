import { type Request, type RequestHandler, type Response, Router } from 'express';
import { applyFaults, type Exchange } from '../../faults.ts';
import type { Channel } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Accepted, Call } from '../../store.ts';
import { emailRefuses } from './email.ts';
import { smsRefuses } from './sms.ts';

const REFUSES = { sms: smsRefuses, email: emailRefuses };

/** The API of one provider: send, and look up by id or by idempotency key. openapi.yaml validates the requests. */
export function providerApi(channel: Channel, simulation: Simulation): Router {
  const router = Router();
  router.post('/messages', (request, response) => send(channel, simulation, request, response));
  router.get(['/messages', '/messages/:id'], async (request, response, next) => {
    const exchange = { request, response, proceed: () => undefined };
    if (await endedByFault('lookup', channel, simulation, exchange)) return;
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
  request: Request,
  response: Response,
): Promise<void> {
  const { body } = request;
  const refused = [body.to].flat().find(REFUSES[channel]);
  const accept = () => simulation.accept(channel, request.get('idempotency-key') ?? null, body);
  const proceed = () => void (refused === undefined && accept());
  if (await endedByFault('send', channel, simulation, { request, response, proceed })) return;
  if (refused !== undefined)
    return answerError(response, 400, 'invalid_recipient', `${refused} is not a recipient`);
  response.status(202).json({ id: accept().id, status: 'queued' });
}

/** Applies the faults of a call. Returns whether a fault ended the call. */
function endedByFault(
  kind: 'send' | 'lookup',
  channel: Channel,
  simulation: Simulation,
  exchange: Exchange,
): Promise<boolean> {
  const recipients = [exchange.request.body?.to ?? []].flat().map(String);
  const faults = simulation.faults.draw(kind, channel, recipients, simulation.random);
  (exchange.response.locals.call as Call).fault = faults.at(-1)?.type ?? null;
  return applyFaults(faults, exchange);
}

function presented({ id, idempotency_key, request, accepted_at }: Accepted): object {
  return { ...request, id, status: 'queued', idempotency_key, accepted_at };
}

/** Logs a call and checks its API key. */
export function identify(
  channel: Channel,
  simulation: Simulation,
  apiKey: string | undefined,
): RequestHandler[] {
  return [logCalls(channel, simulation), requireKey(apiKey)];
}

function requireKey(apiKey: string | undefined): RequestHandler {
  return (request, response, next) => {
    if (apiKey === undefined || request.get('authorization') === `Bearer ${apiKey}`) next();
    else answerError(response, 401, 'unauthorized', 'The API key is missing or wrong');
  };
}

function logCalls(channel: Channel, simulation: Simulation): RequestHandler {
  return (request, response, next) => {
    const { method, originalUrl: path } = request;
    const idempotency_key = request.get('idempotency-key') ?? null;
    const call: Call = { method, path, channel, idempotency_key, fault: null, status: null, at: Date.now() };
    simulation.store.logCall(call);
    response.locals.call = call;
    response.once('finish', () => {
      call.status = response.statusCode;
    });
    next();
  };
}

export function answerError(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

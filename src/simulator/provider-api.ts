import { type Request, type RequestHandler, type Response, Router } from 'express';
import { emailFault, emailRefuses } from './email.ts';
import type { Channel } from './settings.ts';
import type { Simulation } from './simulation.ts';
import { smsFault, smsRefuses } from './sms.ts';
import type { Accepted } from './store.ts';

const RULES = {
  sms: { faultOf: smsFault, refuses: smsRefuses },
  email: { faultOf: emailFault, refuses: emailRefuses },
};

/** The API of one provider: send, and look up by id or by idempotency key. */
export function providerApi(channel: Channel, simulation: Simulation, apiKey: string | undefined): Router {
  const router = Router();
  router.use(requireKey(apiKey), logCalls(channel, simulation));
  router.post('/messages', (request, response) => send(channel, simulation, request, response));
  router.use('/messages', async (request, response, next) => {
    const exchange = { request, response, carryOn: () => undefined };
    response.locals.fault = await simulation.faults.strike('lookup', channel, simulation.random, exchange);
    if (response.locals.fault !== null) return;
    if (simulation.settings.lookup) next();
    else answerError(response, 501, 'not_implemented', 'This provider has no look-up');
  });
  router.get('/messages', (request, response) => {
    const found = simulation.store.byKey(channel, String(request.query.idempotency_key ?? ''));
    response.json({ data: found ? [presented(found)] : [] });
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
  const body = (request.body ?? {}) as Record<string, unknown>;
  const key = request.get('idempotency-key') ?? null;
  const fault = RULES[channel].faultOf(body);
  const accept = () => simulation.accept(channel, key, body);
  const carryOn = () => void (fault === null && accept());
  const exchange = { request, response, carryOn };
  response.locals.fault = await simulation.faults.strike('send', channel, simulation.random, exchange);
  if (response.locals.fault !== null) return;
  if (fault !== null) return answerError(response, 400, 'invalid_request', fault);
  const refused = [body.to].flat().find((to) => RULES[channel].refuses(String(to)));
  if (refused) return answerError(response, 400, 'invalid_recipient', `${refused} is not a recipient`);
  response.status(202).json({ id: accept().id, status: 'queued' });
}

function presented({ id, idempotency_key, request, accepted_at }: Accepted): object {
  return { id, status: 'queued', idempotency_key, ...request, accepted_at };
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
    const at = Date.now();
    response.once('close', () => {
      const status = response.writableFinished ? response.statusCode : null;
      const { fault = null } = response.locals;
      simulation.store.called({ method, path, channel, idempotency_key, fault, status, at });
    });
    next();
  };
}

export function answerError(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

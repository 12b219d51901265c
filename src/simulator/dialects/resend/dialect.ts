import { randomUUID } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { reportSteps } from '../../email/report.ts';
import { REFUSED, stepsOf } from '../../email/steps.ts';
import { callOf, logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import type { Call } from '../../store.ts';
import { type Email, emailOf, Keys, recipientsOf, type SendRequest } from './account.ts';
import { errorBody, handleError, refuse } from './errors.ts';
import { eventOf } from './events.ts';
import { postEvent } from './webhooks.ts';

interface AccountContext {
  simulation: Simulation;
  keys: Keys;
  webhookSecret: string | undefined;
}

const notFound: RequestHandler = (_request, response) =>
  refuse(response, 'not_found', 'The requested endpoint does not exist.');

/** The API of Resend, under `/resend`. */
export function createResendDialect(
  simulation: Simulation,
  { apiKey, webhookSecret }: { apiKey: string | undefined; webhookSecret: string | undefined },
): Dialect {
  const context: AccountContext = { simulation, keys: new Keys(), webhookSecret };
  const routes = Router();
  routes.use(
    '/resend',
    logCalls('resend', 'email', simulation),
    authenticate(apiKey),
    express.json({ limit: '80mb' }),
    validate,
    emailApi(context),
    notFound,
    handleError,
  );
  return {
    routes,
    inbound: (_channel, fields) =>
      postEvent(simulation, webhookSecret, receivedOf(fields), `msg_${randomUUID()}`),
    reset: () => context.keys.clear(),
  };
}

function authenticate(apiKey: string | undefined): RequestHandler {
  return (request, response, next) => {
    const given = request.get('authorization');
    if (given === undefined)
      refuse(response, 'missing_api_key', 'Missing API key in the authorization header.');
    else if (apiKey === undefined || given === `Bearer ${apiKey}`) next();
    else refuse(response, 'validation_error', 'API key is invalid', 401);
  };
}

function emailApi(context: AccountContext): Router {
  const router = Router();
  router.post('/emails', (request, response) => sendEmail(context, request, response));
  router.get('/domains', async (request, response) => {
    const ended = await context.simulation.endsByFault(
      { kind: 'lookup', dialect: 'resend', channel: 'email', recipients: [] },
      { request, response, errorBody, acceptedStatus: 200, proceed: () => undefined },
    );
    if (ended) return;
    const domain = { id: '4dd369bc-aa82-4ff3-97de-514ae3000ee0', name: 'example.com', status: 'verified' };
    response.json({ object: 'list', has_more: false, data: [{ ...domain, region: 'us-east-1' }] });
  });
  return router;
}

async function sendEmail(context: AccountContext, request: Request, response: Response): Promise<void> {
  const body: SendRequest = request.body;
  const { simulation } = context;
  const recipients = recipientsOf(body);
  const call = callOf(response);
  const refusal = refusalOf(body, simulation);
  const key = request.get('idempotency-key') ?? null;
  const accept = () => acceptEmail(context, body, key, call);
  const ended = await simulation.endsByFault(
    { kind: 'send', dialect: 'resend', channel: 'email', recipients },
    {
      ...{ request, response, errorBody, acceptedStatus: 200 },
      proceed: () => (refusal === null ? accept() : undefined),
    },
  );
  if (ended) return;
  if (refusal !== null) return refuse(response, ...refusal);
  const email = await accept();
  if (email === 'other')
    return refuse(
      response,
      'invalid_idempotent_request',
      'Same idempotency key used with a different request payload.',
    );
  response.json({ id: email.id });
}

function refusalOf(
  request: SendRequest,
  { settings }: Simulation,
): [name: string, message: string, status: number] | null {
  const { senders } = settings.resend;
  const [from] = recipientsOf({ ...request, to: request.from, cc: [], bcc: [] });
  if (senders && !senders.includes(String(from)))
    return ['validation_error', `The ${String(from).split('@')[1]} domain is not verified.`, 403];
  return recipientsOf(request).some((address) => REFUSED.test(address))
    ? ['validation_error', 'Invalid `to` field.', 422]
    : null;
}

/** Accepts an email once for each key, and starts to send its events. Early events have been sent when the promise resolves. */
async function acceptEmail(
  { simulation, keys, webhookSecret }: AccountContext,
  request: SendRequest,
  key: string | null,
  call: Call,
): Promise<Email | 'other'> {
  const { settings, random, store } = simulation;
  const known = key === null || !settings.honour_idempotency_keys ? undefined : keys.find(key, request);
  if (known === 'other') return known;
  if (known) {
    const accepted = store.all('email').find(({ id }) => id === known.id);
    if (accepted) accepted.request_count++;
    call.message_id = known.id;
    return known;
  }
  const email = emailOf(request);
  call.message_id = email.id;
  if (key !== null) keys.add(key, request, email);
  const accepted = store.add({
    ...{ id: email.id, dialect: 'resend', channel: 'email', idempotency_key: key, request: { ...request } },
  });
  // Resend reports changes of contacts only, which no email names.
  const steps = stepsOf(email.recipients, settings, random).filter(({ event }) => event !== 'unsubscribed');
  await reportSteps(accepted, steps, {
    ...{ simulation, idOf: () => `msg_${randomUUID().replaceAll('-', '')}` },
    deliver: (step, id) => postEvent(simulation, webhookSecret, eventOf(email, step), id),
  });
  return email;
}

/** The event of an inbound email, which has no content. */
function receivedOf(fields: Record<string, unknown>): object {
  const now = new Date().toISOString();
  const { from = 'contact@gmail.com', to = 'user@usehatchapp.com', subject = 'Hello' } = fields;
  const lists = { bcc: [], cc: [], attachments: [] };
  const data = { email_id: randomUUID(), created_at: now, from, to: [to].flat(), subject, ...lists };
  return {
    type: 'email.received',
    created_at: now,
    data: { ...data, message_id: `<${randomUUID()}@gmail.com>` },
  };
}

import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { errorBody, handleError, refuse } from './errors.ts';
import { search } from './search.ts';
import { type AccountContext, sendEmail } from './send.ts';
import { credentialsOf, postInbound, type WebhookCredentials } from './webhooks.ts';

export interface PostmarkOptions {
  /** Of the webhooks; default: derived from the webhook secret. */
  credentials?: WebhookCredentials | undefined;
}

const notFound: RequestHandler = (_request, response) =>
  void response.status(404).json(errorBody(404, 0, 'There is no such resource'));

/** The API of Postmark, under `/postmark`. */
export function createPostmarkDialect(
  simulation: Simulation,
  { apiKey, webhookSecret }: { apiKey: string | undefined; webhookSecret: string | undefined },
  { credentials = credentialsOf(webhookSecret) }: PostmarkOptions = {},
): Dialect {
  let last = Date.now();
  const next = () => {
    last = Math.max(last + 1, Date.now());
    return last;
  };
  const context: AccountContext = { simulation, credentials, emails: [], next };
  const routes = Router();
  routes.use(
    '/postmark',
    logCalls('postmark', 'email', simulation),
    authenticate(apiKey),
    express.json({ limit: '10mb' }),
    validate,
    emailApi(context),
    notFound,
    handleError,
  );
  return {
    routes,
    inbound: (_channel, fields, files) => postInbound(simulation, credentials, fields, files),
    reset: () => context.emails.splice(0),
  };
}

function emailApi(context: AccountContext): Router {
  const router = Router();
  router.get(/.*/, async (request, response, next) => {
    if (!(await endsLookUpByFault(context, request, response))) next();
  });
  router.post('/email', (request, response) => sendEmail(context, request, response));
  router.get('/messages/outbound', (request, response) => search(context, request, response));
  router.get('/server', (_request, response) => {
    response.json({ ID: 23, Name: 'Simulated server', Color: 'Blue', DeliveryType: 'Live', ServerLink: '' });
  });
  return router;
}

function endsLookUpByFault(
  { simulation }: AccountContext,
  request: Request,
  response: Response,
): Promise<boolean> {
  return simulation.endsByFault(
    { kind: 'lookup', dialect: 'postmark', channel: 'email', recipients: [] },
    {
      ...{ request, response, acceptedStatus: 200, proceed: () => undefined },
      errorBody: (status, code) => errorBody(status, code === undefined ? undefined : Number(code)),
    },
  );
}

function authenticate(serverToken: string | undefined): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-postmark-server-token');
    if (given !== undefined && (serverToken === undefined || given === serverToken)) next();
    else refuse(response, 10);
  };
}

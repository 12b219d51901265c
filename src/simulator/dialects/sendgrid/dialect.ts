import express, { type RequestHandler, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { errorBody, handleError, refuse } from './errors.ts';
import { type AccountContext, sendEmail } from './send.ts';
import { signingKey } from './signature.ts';
import { postInbound } from './webhooks.ts';

const notFound: RequestHandler = (_request, response) => refuse(response, 404);

/** The API of SendGrid, under `/sendgrid`. */
export function createSendGridDialect(
  simulation: Simulation,
  { apiKey, webhookSecret }: { apiKey: string | undefined; webhookSecret: string | undefined },
): Dialect {
  const context: AccountContext = { simulation, key: signingKey(webhookSecret) };
  const routes = Router();
  routes.use(
    '/sendgrid/v3',
    logCalls('sendgrid', 'email', simulation),
    authenticate(apiKey),
    express.json({ limit: '31mb' }),
    validate,
    emailApi(context),
    notFound,
    handleError,
  );
  return {
    routes,
    inbound: (_channel, fields, files) => postInbound(simulation, context.key, fields, files),
    reset: () => undefined,
  };
}

function emailApi(context: AccountContext): Router {
  const router = Router();
  router.post('/mail/send', (request, response) => sendEmail(context, request, response));
  router.get('/scopes', async (request, response) => {
    const ended = await context.simulation.endsByFault(
      { kind: 'lookup', dialect: 'sendgrid', channel: 'email', recipients: [] },
      {
        ...{ request, response, acceptedStatus: 200, proceed: () => undefined },
        errorBody: (status) => errorBody(status),
      },
    );
    if (!ended) response.json({ scopes: ['mail.send', 'sender_verification_eligible', '2fa_required'] });
  });
  return router;
}

function authenticate(apiKey: string | undefined): RequestHandler {
  return (request, response, next) => {
    if (apiKey === undefined || request.get('authorization') === `Bearer ${apiKey}`) next();
    else refuse(response, 401);
  };
}

import express, { type RequestHandler, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { Account } from './account.ts';
import { messagesApi } from './api.ts';
import { handleError, refuse } from './errors.ts';
import { mediaContent } from './media.ts';
import { receive } from './webhooks/inbound.ts';
import { TelnyxWebhooks } from './webhooks/sender.ts';
import { seedOf } from './webhooks/signature.ts';

export interface TelnyxOptions {
  /** Signs the webhooks: base64 of the 32 bytes of an Ed25519 seed. Default: a seed that is derived from the webhook secret. */
  seed?: string | undefined;
}

const notFound: RequestHandler = (_request, response) => refuse(response, 10005);

/**
 * The messaging API of Telnyx, under `/telnyx`.
 *
 * @param apiKey of the account; without a key, requests with any credentials are accepted.
 */
export function createTelnyxDialect(
  simulation: Simulation,
  { apiKey, webhookSecret }: { apiKey: string | undefined; webhookSecret: string | undefined },
  { seed = seedOf(webhookSecret) }: TelnyxOptions = {},
): Dialect {
  const account = new Account();
  const webhooks = new TelnyxWebhooks(simulation, seed);
  const context = { account, simulation, webhooks };
  const routes = Router();
  routes.use(
    '/telnyx/v2',
    logCalls('telnyx', 'sms', simulation),
    authenticate(apiKey),
    express.json({ limit: '1mb' }),
    validate,
    messagesApi(context),
    notFound,
    handleError,
  );
  routes.use('/telnyx-media', logCalls('telnyx', 'sms', simulation), mediaContent(simulation));
  return {
    routes,
    inbound: (_channel, fields, files) => receive(context, fields, files),
    reset: () => account.clear(),
  };
}

function authenticate(apiKey: string | undefined): RequestHandler {
  return (request, response, next) => {
    if (apiKey === undefined || request.get('authorization') === `Bearer ${apiKey}`) next();
    else refuse(response, 10009);
  };
}

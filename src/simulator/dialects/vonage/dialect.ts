import { createPublicKey } from 'node:crypto';
import express, { type RequestHandler, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { Account, type AccountContext } from './account.ts';
import { requireSecret, requireToken } from './credentials.ts';
import { handleError, refuse } from './errors.ts';
import { receive } from './inbound.ts';
import { mediaApi } from './media.ts';
import { createMessage } from './send.ts';
import { VonageWebhooks } from './webhooks.ts';

export interface VonageOptions {
  /** Default: eight zeros. */
  apiKey?: string | undefined;
  /** The secret of the API key; default: any secret is accepted. */
  apiSecret?: string | undefined;
  /** The id of the application; default: a UUID of zeros. */
  applicationId?: string | undefined;
  /** PEM of the public key of the application; default: the token of any key is accepted. */
  publicKey?: string | undefined;
}

export const VONAGE_API_KEY = '00000000';
export const APPLICATION_ID = '00000000-0000-4000-8000-000000000000';
/** Signs the webhooks of a simulator without a key. */
export const DEFAULT_SIGNATURE_SECRET = 'simulated-signature-secret';

const notFound: RequestHandler = (_request, response) => refuse(response, { status: 404 });

/**
 * The Messages API of Vonage, under `/vonage`.
 *
 * @param signatureSecret signs the webhooks; default: `DEFAULT_SIGNATURE_SECRET`.
 */
export function createVonageDialect(
  simulation: Simulation,
  signatureSecret: string | undefined,
  { apiKey = VONAGE_API_KEY, apiSecret, applicationId = APPLICATION_ID, publicKey }: VonageOptions = {},
): Dialect {
  const key = publicKey === undefined ? null : createPublicKey(publicKey);
  const account = new Account({ apiKey, applicationId, publicKey: key });
  const signer = { secret: signatureSecret ?? DEFAULT_SIGNATURE_SECRET, apiKey, applicationId };
  const context = { account, simulation, webhooks: new VonageWebhooks(simulation.webhooks, signer) };
  const routes = Router();
  routes.use(
    '/vonage/v2/applications',
    requireSecret(account, apiSecret ?? null),
    applicationApi(context),
    notFound,
  );
  routes.use(
    '/vonage/v1/messages',
    logCalls('vonage', 'sms', simulation),
    requireToken(account),
    express.json({ limit: '1mb' }),
    validate,
    Router().post('/', (request, response) => createMessage(context, request, response)),
    notFound,
    handleError,
  );
  routes.use('/vonage/v3/media', logCalls('vonage', 'sms', simulation), mediaApi(simulation, account));
  routes.use('/vonage', notFound);
  return {
    routes,
    inbound: (_channel, fields, files) => receive(context, fields, files),
    reset: () => account.clear(),
  };
}

/** The application. Its URLs are the webhook URL of the account, for which the simulator has one setting. */
function applicationApi({ account: { applicationId, publicKey } }: AccountContext): Router {
  return Router().get('/:id', (request, response) => {
    if (request.params.id !== applicationId) return refuse(response, { status: 404 });
    const pem = publicKey?.export({ type: 'spki', format: 'pem' });
    response.json({
      ...{ id: applicationId, name: 'Simulated application', keys: { ...(pem && { public_key: pem }) } },
      capabilities: { messages: { version: 'v1', webhooks: {} } },
    });
  });
}

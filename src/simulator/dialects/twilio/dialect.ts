import { type RequestHandler, Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { Account } from './account.ts';
import { accountApi } from './account-api.ts';
import { messagesApi } from './api.ts';
import { authenticate } from './credentials.ts';
import { handleError, refuse } from './errors.ts';
import { parseForm } from './form.ts';
import { mediaApi, mediaContent } from './media.ts';
import { API_VERSION } from './message.ts';
import { receive } from './webhooks/inbound.ts';
import { TwilioWebhooks } from './webhooks/sender.ts';

export interface TwilioOptions {
  /** Default: `AC` and 32 zeros. */
  accountSid?: string | undefined;
  /** The SID and the secret of an API key that requests may have instead of the account SID and the auth token. */
  apiKey?: { sid: string; secret: string } | undefined;
}

export const ACCOUNT_SID = `AC${'0'.repeat(32)}`;
/** Signs the webhooks of a simulator that accepts any credentials. */
export const DEFAULT_AUTH_TOKEN = 'simulated-auth-token';

const notFound: RequestHandler = ({ path }, response) =>
  refuse(response, 20404, `The requested resource ${path} was not found`);

/**
 * The Messages API of Twilio, under `/twilio`.
 *
 * @param authToken of the account; without a token, requests with any credentials are accepted.
 */
export function createTwilioDialect(
  simulation: Simulation,
  authToken: string | undefined,
  { accountSid = ACCOUNT_SID, apiKey }: TwilioOptions = {},
): Dialect {
  const account = new Account(accountSid);
  const webhooks = new TwilioWebhooks(simulation.webhooks, authToken ?? DEFAULT_AUTH_TOKEN);
  const context = { account, simulation, webhooks };
  const routes = Router();
  routes.use(
    `/twilio/${API_VERSION}`,
    logCalls('twilio', 'sms', simulation),
    authenticate({ accountSid, authToken: authToken ?? null, apiKey: apiKey ?? null }),
    parseForm,
    validate,
    accountApi(context),
    // Before the messages: the faults of look-ups do not affect media.
    mediaApi(context),
    messagesApi(context),
    notFound,
    handleError,
  );
  routes.use('/twilio-media', logCalls('twilio', 'sms', simulation), mediaContent(context));
  return {
    routes,
    inbound: (_channel, fields, files) => receive(context, fields, files),
    reset: () => account.clear(),
  };
}

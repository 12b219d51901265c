import { hash } from 'node:crypto';
import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';
import { type BasicCredentials, webhookPasswords, webhookUser } from '../http/basic-auth.ts';

export interface PostmarkSettings {
  url: string;
  serverToken: string;
  /** The message stream that sends the emails. */
  messageStream: string;
  /** Verify the webhooks, which Postmark does not sign. */
  webhooks: BasicCredentials;
}

/** The error does not repeat the token. */
const serverToken = makeValidator((input) => {
  if (!/^[\x21-\x7e]{8,128}$/.test(input)) throw new EnvError('is not a server API token of Postmark');
  return input;
});
const stream = makeValidator((input) => {
  if (!/^[a-z0-9][a-z0-9-]{0,49}$/i.test(input))
    throw new EnvError(`"${input}" is not the id of a message stream, such as outbound`);
  return input;
});

const specs = {
  URL: values.webUrl({ default: 'https://api.postmarkapp.com' }),
  SERVER_TOKEN: serverToken(),
  MESSAGE_STREAM: stream({ default: 'outbound' }),
  WEBHOOK_USER: webhookUser({ default: 'postmark' }),
  WEBHOOK_PASSWORD: webhookPasswords(),
};

export const postmarkConfig: KindConfig<typeof specs, PostmarkSettings> = {
  name: 'postmark',
  channels: ['email'],
  specs,
  requiredInProduction: {},
  signsUrls: false,
  toSettings: (env) => ({
    settings: {
      url: env.URL,
      serverToken: env.SERVER_TOKEN,
      messageStream: env.MESSAGE_STREAM,
      webhooks: { user: env.WEBHOOK_USER, passwords: env.WEBHOOK_PASSWORD },
    },
  }),
  simulated: ({ url, key, webhookSecret }) => ({
    ...{ url: `${url}/postmark`, serverToken: key, messageStream: 'outbound' },
    webhooks: { user: 'postmark', passwords: [simulatedPassword(webhookSecret)] },
  }),
};

/** The password of the simulator's webhooks, of characters that a URL contains as they are. */
export function simulatedPassword(webhookSecret: string): string {
  return hash('sha256', `postmark ${webhookSecret}`, 'hex');
}

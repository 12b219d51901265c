import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';

export interface ResendSettings {
  url: string;
  apiKey: string;
  /** Verify the webhooks (`whsec_…`), two during a rotation. */
  webhookSecrets: string[];
}

/** The error does not repeat the key. */
const apiKey = makeValidator((input) => {
  if (!/^[\x21-\x7e]{8,256}$/.test(input)) throw new EnvError('is not an API key of Resend');
  return input;
});

const specs = {
  URL: values.webUrl({ default: 'https://api.resend.com' }),
  API_KEY: apiKey(),
  WEBHOOK_SECRETS: values.webhookSecrets({ default: [] }),
};

export const resendConfig: KindConfig<typeof specs, ResendSettings> = {
  name: 'resend',
  channels: ['email'],
  specs,
  requiredInProduction: {
    WEBHOOK_SECRETS:
      'anybody who knows the webhook URL can report bounces and complaints, which suppress addresses',
  },
  signsUrls: false,
  toSettings: (env) => ({
    settings: { url: env.URL, apiKey: env.API_KEY, webhookSecrets: env.WEBHOOK_SECRETS ?? [] },
  }),
  simulated: ({ url, key, webhookSecret }) => ({
    ...{ url: `${url}/resend`, apiKey: key, webhookSecrets: [webhookSecret] },
  }),
};

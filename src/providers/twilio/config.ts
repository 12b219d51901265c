import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';

export interface TwilioSettings {
  url: string;
  accountSid: string;
  /** Signs the webhooks, and the calls without an API key; two during a rotation, the first makes the calls. */
  authTokens: string[];
  /** Replaces the account SID and the auth token in calls; null for none. */
  apiKey: { sid: string; secret: string } | null;
  /** The Messaging Service that every message names beside its sender; null for none. */
  messagingServiceSid: string | null;
}

const sid = (prefix: string, what: string) =>
  makeValidator((input) => {
    if (!new RegExp(`^${prefix}[0-9a-fA-F]{32}$`).test(input))
      throw new EnvError(`is not ${what}: ${prefix} and 32 hexadecimal digits`);
    return input;
  });
/** The error does not repeat the tokens. */
const authTokens = makeValidator((input) => {
  const tokens = values.list()._parse(input);
  if (tokens.length > 2 || !tokens.every((token) => /^[\w-]{32}$/.test(token)))
    throw new EnvError('is not an auth token of 32 characters, or two separated by a comma');
  return tokens;
});
const secret = makeValidator((input) => {
  if (!/^\S{16,128}$/.test(input)) throw new EnvError('is not the secret of an API key');
  return input;
});

const specs = {
  URL: values.webUrl({ default: 'https://api.twilio.com' }),
  ACCOUNT_SID: sid('AC', 'an account SID')(),
  AUTH_TOKEN: authTokens(),
  API_KEY_SID: sid('SK', 'the SID of an API key')({ default: undefined }),
  API_KEY_SECRET: secret({ default: undefined }),
  MESSAGING_SERVICE_SID: sid('MG', 'the SID of a Messaging Service')({ default: undefined }),
};

/** The SID of the simulated Twilio account. */
const SIMULATED_SID = `AC${'0'.repeat(32)}`;

export const twilioConfig: KindConfig<typeof specs, TwilioSettings> = {
  name: 'twilio',
  channels: ['sms'],
  specs,
  requiredInProduction: {},
  signsUrls: true,
  toSettings: (env) => {
    const { API_KEY_SID: keySid, API_KEY_SECRET: keySecret } = env;
    if (Boolean(keySid) !== Boolean(keySecret))
      return {
        faults: [
          keySid
            ? 'API_KEY_SECRET: must be set together with <NAME>_API_KEY_SID'
            : 'API_KEY_SID: must be set together with <NAME>_API_KEY_SECRET',
        ],
      };
    return {
      settings: {
        url: env.URL,
        accountSid: env.ACCOUNT_SID,
        authTokens: env.AUTH_TOKEN,
        apiKey: keySid && keySecret ? { sid: keySid, secret: keySecret } : null,
        messagingServiceSid: env.MESSAGING_SERVICE_SID ?? null,
      },
    };
  },
  simulated: ({ url, key }) => ({
    ...{ url: `${url}/twilio`, accountSid: SIMULATED_SID, authTokens: [key] },
    ...{ apiKey: null, messagingServiceSid: null },
  }),
};

import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';
import { type BasicCredentials, webhookPasswords, webhookUser } from '../http/basic-auth.ts';
import { simulatedPublicKey, verificationKey } from './signature.ts';

export interface SendGridSettings {
  url: string;
  apiKey: string;
  /** Verify the event webhook: base64 of P-256 keys in DER; two during a rotation. */
  eventPublicKeys: string[];
  /** Verify inbound email, by a signature or by credentials in the URL; null if the account receives no email. */
  inbound: { publicKeys: string[] } | { credentials: BasicCredentials } | null;
}

/** The error does not repeat the key. */
const apiKey = makeValidator((input) => {
  if (!/^[\x21-\x7e]{8,256}$/.test(input)) throw new EnvError('is not an API key of SendGrid');
  return input;
});
const publicKeys = makeValidator((input) => {
  const keys = values.list()._parse(input);
  if (keys.length > 2 || !keys.every(isPublicKey))
    throw new EnvError(
      'is not a verification key (base64 of a P-256 key in DER), or two separated by a comma',
    );
  return keys;
});

function isPublicKey(text: string): boolean {
  try {
    verificationKey(text);
    return /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  } catch {
    return false;
  }
}

const specs = {
  URL: values.webUrl({ default: 'https://api.sendgrid.com' }),
  API_KEY: apiKey(),
  EVENT_PUBLIC_KEY: publicKeys(),
  // Empty if it is not set: undefined is a variable with a fault of its own.
  INBOUND_PUBLIC_KEY: publicKeys({ default: [] }),
  INBOUND_USER: webhookUser({ default: 'sendgrid' }),
  INBOUND_PASSWORD: webhookPasswords({ default: [] }),
};

export const sendgridConfig: KindConfig<typeof specs, SendGridSettings> = {
  name: 'sendgrid',
  channels: ['email'],
  specs,
  requiredInProduction: {},
  signsUrls: false,
  toSettings: (env) => {
    const { INBOUND_PUBLIC_KEY: inboundKeys = [], INBOUND_PASSWORD: passwords = [] } = env;
    if (inboundKeys.length > 0 && passwords.length > 0)
      return {
        faults: [
          'INBOUND_PASSWORD: <NAME>_INBOUND_PASSWORD and <NAME>_INBOUND_PUBLIC_KEY are mutually exclusive',
        ],
      };
    const credentials = { user: env.INBOUND_USER, passwords };
    return {
      settings: {
        url: env.URL,
        apiKey: env.API_KEY,
        eventPublicKeys: env.EVENT_PUBLIC_KEY,
        inbound:
          inboundKeys.length > 0
            ? { publicKeys: inboundKeys }
            : passwords.length > 0
              ? { credentials }
              : null,
      },
    };
  },
  simulated: ({ url, key, webhookSecret }) => ({
    ...{ url: `${url}/sendgrid`, apiKey: key, eventPublicKeys: [simulatedPublicKey(webhookSecret)] },
    inbound: { publicKeys: [simulatedPublicKey(webhookSecret)] },
  }),
};

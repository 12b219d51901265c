import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';
import { simulatedPublicKey } from './signature.ts';

export interface TelnyxSettings {
  url: string;
  apiKey: string;
  /** Verify the webhooks: base64 of the 32 bytes of an Ed25519 key; two during a rotation. */
  publicKeys: string[];
  /** The messaging profile that every message to one recipient names beside its sender; null for none. */
  messagingProfileId: string | null;
}

/** The error does not repeat the key. */
const apiKey = makeValidator((input) => {
  if (!/^[\x21-\x7e]{8,256}$/.test(input)) throw new EnvError('is not an API key of Telnyx');
  return input;
});
const publicKeys = makeValidator((input) => {
  const keys = values.list()._parse(input);
  const isKey = (key: string) => /^[A-Za-z0-9+/]{43}=$/.test(key) && Buffer.from(key, 'base64').length === 32;
  if (keys.length > 2 || !keys.every(isKey))
    throw new EnvError('is not a public key (base64 of 32 bytes), or two separated by a comma');
  return keys;
});
const profileId = makeValidator((input) => {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(input))
    throw new EnvError('is not the id of a messaging profile, which is a UUID');
  return input;
});

const specs = {
  URL: values.webUrl({ default: 'https://api.telnyx.com' }),
  API_KEY: apiKey(),
  PUBLIC_KEY: publicKeys(),
  MESSAGING_PROFILE_ID: profileId({ default: undefined }),
};

export const telnyxConfig: KindConfig<typeof specs, TelnyxSettings> = {
  name: 'telnyx',
  channels: ['sms'],
  specs,
  requiredInProduction: {},
  signsUrls: false,
  toSettings: (env) => ({
    settings: {
      url: env.URL,
      apiKey: env.API_KEY,
      publicKeys: env.PUBLIC_KEY,
      messagingProfileId: env.MESSAGING_PROFILE_ID ?? null,
    },
  }),
  simulated: ({ url, key, webhookSecret }) => ({
    ...{ url: `${url}/telnyx`, apiKey: key, publicKeys: [simulatedPublicKey(webhookSecret)] },
    messagingProfileId: null,
  }),
};

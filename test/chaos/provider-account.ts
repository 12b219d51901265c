import { generateKeyPairSync } from 'node:crypto';
import type { SimulatorOptions } from '../../src/simulator/server.ts';
import { publicKeyOf, SEED } from '../support/telnyx.ts';
import type { Modes, Named } from './checker/evidence.ts';

/** Also the auth token of Twilio, and the signature secret of Vonage. */
export const providerKey = '0123456789abcdef0123456789abcdef';
const TWILIO_SID = `AC${'0'.repeat(32)}`;
const VONAGE_KEY = '00000000';
const VONAGE_APPLICATION = '00000000-0000-4000-8000-000000000000';

/** The variables of a service, and the options of the simulator, for the SMS account of a provider that names messages in its callbacks. */
interface Account {
  service(simulatorUrl: string): Record<string, string>;
  simulator: SimulatorOptions;
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });

const ACCOUNTS: Record<Named, Account> = {
  twilio: {
    service: (url) => ({
      ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: `${url}/twilio` },
      ...{ TWILIO_ACCOUNT_SID: TWILIO_SID, TWILIO_AUTH_TOKEN: providerKey },
    }),
    simulator: {},
  },
  telnyx: {
    service: (url) => ({
      ...{ SMS_PROVIDERS: 'telnyx', TELNYX_URL: `${url}/telnyx`, TELNYX_API_KEY: providerKey },
      TELNYX_PUBLIC_KEY: publicKeyOf(SEED),
    }),
    simulator: { telnyx: { seed: SEED } },
  },
  vonage: {
    service: (url) => ({
      ...{ SMS_PROVIDERS: 'vonage', VONAGE_URL: `${url}/vonage`, VONAGE_API_KEY: VONAGE_KEY },
      ...{ VONAGE_APPLICATION_ID: VONAGE_APPLICATION, VONAGE_SIGNATURE_SECRET: providerKey },
      VONAGE_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }),
    simulator: { vonage: { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() } },
  },
};

/** The account of the mode; null if the provider is of the standard kind. */
export function smsAccountOf({ sms }: Modes): Account | null {
  return ACCOUNTS[sms as Named] ?? null;
}

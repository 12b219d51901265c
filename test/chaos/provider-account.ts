import { generateKeyPairSync } from 'node:crypto';
import type { SimulatorOptions } from '../../src/simulator/server.ts';
import { publicKeyFor } from '../support/sendgrid.ts';
import { publicKeyOf, SEED } from '../support/telnyx.ts';
import type { EmailKind, Modes, SmsKind } from './checker/evidence.ts';

export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
/** Also the auth token of Twilio, and the signature secret of Vonage. */
export const providerKey = '0123456789abcdef0123456789abcdef';
const TWILIO_SID = `AC${'0'.repeat(32)}`;
const VONAGE_KEY = '00000000';
const VONAGE_APPLICATION = '00000000-0000-4000-8000-000000000000';

/** The variables of a service, and the options of the simulator, for an account of any kind except the standard kind. */
interface Account {
  service(simulator: SimulatorAddress): Record<string, string>;
  simulator: SimulatorOptions;
}

export interface SimulatorAddress {
  url: string;
  /** Null without a mail server. */
  smtpPort: number | null;
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });

const ACCOUNTS: Record<SmsKind | EmailKind, Account> = {
  twilio: {
    service: ({ url }) => ({
      ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: `${url}/twilio` },
      ...{ TWILIO_ACCOUNT_SID: TWILIO_SID, TWILIO_AUTH_TOKEN: providerKey },
    }),
    simulator: {},
  },
  telnyx: {
    service: ({ url }) => ({
      ...{ SMS_PROVIDERS: 'telnyx', TELNYX_URL: `${url}/telnyx`, TELNYX_API_KEY: providerKey },
      TELNYX_PUBLIC_KEY: publicKeyOf(SEED),
    }),
    simulator: { telnyx: { seed: SEED } },
  },
  vonage: {
    service: ({ url }) => ({
      ...{ SMS_PROVIDERS: 'vonage', VONAGE_URL: `${url}/vonage`, VONAGE_API_KEY: VONAGE_KEY },
      ...{ VONAGE_APPLICATION_ID: VONAGE_APPLICATION, VONAGE_SIGNATURE_SECRET: providerKey },
      VONAGE_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }),
    simulator: { vonage: { publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() } },
  },
  sendgrid: {
    service: ({ url }) => ({
      ...{ EMAIL_PROVIDERS: 'sendgrid', SENDGRID_URL: `${url}/sendgrid`, SENDGRID_API_KEY: providerKey },
      SENDGRID_EVENT_PUBLIC_KEY: publicKeyFor(webhookSecret),
    }),
    simulator: { webhookSecret },
  },
  resend: {
    service: ({ url }) => ({
      ...{ EMAIL_PROVIDERS: 'resend', RESEND_URL: `${url}/resend`, RESEND_API_KEY: providerKey },
      RESEND_WEBHOOK_SECRETS: webhookSecret,
    }),
    simulator: { webhookSecret },
  },
  smtp: {
    service: ({ smtpPort }) => ({
      ...{ EMAIL_PROVIDERS: 'smtp', SMTP_URL: `smtp://shop:${providerKey}@127.0.0.1:${smtpPort}` },
      ...{ SMTP_REQUIRE_TLS: 'false', SMTP_POOL: '12', MIME_WEBHOOK_SECRETS: webhookSecret },
    }),
    simulator: { smtp: {} },
  },
};

/** The account of the mode, of one channel; null if all providers are of the standard kind. */
export function accountOf({ sms, email }: Modes): Account | null {
  const ofMode: Partial<Record<string, Account>> = ACCOUNTS;
  return ofMode[sms ?? ''] ?? ofMode[email ?? ''] ?? null;
}

import { createPublicKey } from 'node:crypto';
import { bool, customCleanEnv, EnvError, makeValidator, str } from 'envalid';
import type { SimulatorOptions } from './server.ts';
import { isCount, isServiceUrl } from './settings.ts';

type Environment = Record<string, string | undefined>;

/** A text that passes the check; the message never repeats the text, which can be a secret. */
const text = (isValid: (input: string) => boolean, expected: string) =>
  makeValidator((input) => {
    if (!isValid(input)) throw new EnvError(`must be ${expected}`);
    return input;
  });
const count = (maximum: number) =>
  makeValidator((input) => {
    const isValid = /^\d+$/.test(input) && isCount(Number(input)) && Number(input) <= maximum;
    if (!isValid) throw new EnvError(`must be a whole number from 0 to ${maximum}`);
    return Number(input);
  });
const anyCount = count(2 ** 31 - 1);
const port = count(65_535);
const url = text(isServiceUrl, 'an http or https URL');
const sid = (prefix: string) =>
  text(
    (input) => new RegExp(`^${prefix}[0-9a-fA-F]{32}$`).test(input),
    `${prefix} and 32 hexadecimal digits`,
  );
const key = text((input) => /^[0-9a-zA-Z]{6,32}$/.test(input), '6 to 32 letters and digits');
const uuid = text((input) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(input), 'a UUID');
const publicKey = makeValidator((input) => {
  const pem = input.replaceAll('\\n', '\n');
  try {
    createPublicKey(pem);
  } catch {
    throw new EnvError('must be a public key in the PEM format');
  }
  return pem;
});
const secret = text((input) => /^whsec_[A-Za-z0-9+/]+=*$/.test(input), 'whsec_ and base64');
const topicArn = text(
  (input) => /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/.test(input),
  'the ARN of a topic of SNS',
);
const seed = text((input) => /^[A-Za-z0-9+/]{43}=$/.test(input), 'base64 of 32 bytes');

const SPECS = {
  SIMULATOR_HOST: str({ default: '127.0.0.1' }),
  SIMULATOR_PORT: port({ default: 8081 }),
  SIMULATOR_SMTP_PORT: port({ default: undefined }),
  SIMULATOR_API_KEY: str({ default: undefined }),
  SIMULATOR_WEBHOOK_SECRET: secret({ default: undefined }),
  SIMULATOR_SERVICE_URL: url({ default: 'http://127.0.0.1:8080' }),
  SIMULATOR_SEED: anyCount({ default: 1 }),
  SIMULATOR_HONOUR_IDEMPOTENCY_KEYS: bool({ default: true }),
  SIMULATOR_LOOKUP: bool({ default: true }),
  SIMULATOR_RECEIPT_DELAY_MS: anyCount({ default: 50 }),
  SIMULATOR_TWILIO_ACCOUNT_SID: sid('AC')({ default: undefined }),
  SIMULATOR_TWILIO_API_KEY_SID: sid('SK')({ default: undefined }),
  SIMULATOR_TWILIO_API_KEY_SECRET: str({ default: undefined }),
  SIMULATOR_TWILIO_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_TELNYX_SEED: seed({ default: undefined }),
  SIMULATOR_TELNYX_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_VONAGE_API_KEY: key({ default: undefined }),
  SIMULATOR_VONAGE_API_SECRET: str({ default: undefined }),
  SIMULATOR_VONAGE_APPLICATION_ID: uuid({ default: undefined }),
  SIMULATOR_VONAGE_PUBLIC_KEY: publicKey({ default: undefined }),
  SIMULATOR_VONAGE_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_SES_TOPIC_ARN: topicArn({ default: undefined }),
  SIMULATOR_SES_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_RESEND_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_SENDGRID_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_POSTMARK_WEBHOOK_URL: url({ default: undefined }),
  SIMULATOR_POSTMARK_WEBHOOK_PASSWORD: str({ default: undefined }),
};

/**
 * Reads the options of the simulator from environment variables. An empty variable counts as not set.
 *
 * @returns the options, and one line for each invalid variable.
 */
export function readEnvironment(environment: Environment): {
  options: Required<Pick<SimulatorOptions, 'host' | 'port'>> & SimulatorOptions;
  faults: string[];
} {
  const faults: string[] = [];
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const values = customCleanEnv(given, SPECS, (cleaned) => cleaned, {
    reporter: ({ errors }) => {
      for (const [name, error] of Object.entries(errors)) if (error) faults.push(`${name}: ${error.message}`);
    },
  });
  const { SIMULATOR_TWILIO_API_KEY_SID: keySid, SIMULATOR_TWILIO_API_KEY_SECRET: keySecret } = values;
  if ((keySid === undefined) !== (keySecret === undefined))
    faults.push('SIMULATOR_TWILIO_API_KEY_SID: must be set together with SIMULATOR_TWILIO_API_KEY_SECRET');
  const postmarkPassword = values.SIMULATOR_POSTMARK_WEBHOOK_PASSWORD;
  const options = {
    host: values.SIMULATOR_HOST,
    port: values.SIMULATOR_PORT,
    apiKey: values.SIMULATOR_API_KEY,
    webhookSecret: values.SIMULATOR_WEBHOOK_SECRET,
    ...(values.SIMULATOR_SMTP_PORT !== undefined && { smtp: { port: values.SIMULATOR_SMTP_PORT } }),
    twilio: {
      accountSid: values.SIMULATOR_TWILIO_ACCOUNT_SID,
      apiKey: keySid && keySecret ? { sid: keySid, secret: keySecret } : undefined,
    },
    telnyx: { seed: values.SIMULATOR_TELNYX_SEED },
    vonage: {
      apiKey: values.SIMULATOR_VONAGE_API_KEY,
      apiSecret: values.SIMULATOR_VONAGE_API_SECRET,
      applicationId: values.SIMULATOR_VONAGE_APPLICATION_ID,
      publicKey: values.SIMULATOR_VONAGE_PUBLIC_KEY,
    },
    ses: { topicArn: values.SIMULATOR_SES_TOPIC_ARN },
    postmark: {
      credentials: postmarkPassword ? { user: 'postmark', password: postmarkPassword } : undefined,
    },
    settings: {
      service_url: values.SIMULATOR_SERVICE_URL,
      seed: values.SIMULATOR_SEED,
      honour_idempotency_keys: values.SIMULATOR_HONOUR_IDEMPOTENCY_KEYS,
      lookup: values.SIMULATOR_LOOKUP,
      receipts: { delay_ms: values.SIMULATOR_RECEIPT_DELAY_MS },
      twilio: { webhook_url: values.SIMULATOR_TWILIO_WEBHOOK_URL ?? null },
      telnyx: { webhook_url: values.SIMULATOR_TELNYX_WEBHOOK_URL ?? null },
      vonage: { webhook_url: values.SIMULATOR_VONAGE_WEBHOOK_URL ?? null },
      ses: { webhook_url: values.SIMULATOR_SES_WEBHOOK_URL ?? null },
      resend: { webhook_url: values.SIMULATOR_RESEND_WEBHOOK_URL ?? null },
      sendgrid: { webhook_url: values.SIMULATOR_SENDGRID_WEBHOOK_URL ?? null },
      postmark: { webhook_url: values.SIMULATOR_POSTMARK_WEBHOOK_URL ?? null },
    },
  };
  return { options, faults };
}

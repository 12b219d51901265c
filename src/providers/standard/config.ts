import { bool, str } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import * as values from '../../config/values.ts';

export interface StandardSettings {
  url: string;
  key: string;
  /** Standard Webhooks secrets (`whsec_…`), two during a rotation. */
  webhookSecrets: string[];
  /** Whether the provider sends one message for repeated requests with the same Idempotency-Key. */
  supportsIdempotencyKeys: boolean;
  /** Whether the provider can look up a message by its Idempotency-Key. */
  canLookUp: boolean;
}

const specs = {
  URL: values.webUrl(),
  KEY: str(),
  WEBHOOK_SECRETS: values.webhookSecrets({ default: [] }),
  IDEMPOTENCY_KEYS: bool({ default: true }),
  CAN_LOOK_UP: bool({ default: true }),
};

/** The simple JSON API of the simulator and of any gateway. */
export const standardConfig: KindConfig<typeof specs, StandardSettings> = {
  name: 'standard',
  channels: ['sms', 'email'],
  specs,
  requiredInProduction: {
    WEBHOOK_SECRETS:
      'anybody who knows the webhook URL can send messages, and report bounces, which suppress addresses',
  },
  signsUrls: false,
  toSettings: (env) => ({
    settings: {
      url: env.URL,
      key: env.KEY,
      webhookSecrets: env.WEBHOOK_SECRETS ?? [],
      supportsIdempotencyKeys: env.IDEMPOTENCY_KEYS,
      canLookUp: env.CAN_LOOK_UP,
    },
  }),
  simulated: ({ url, key, webhookSecret }) => ({
    ...{ url, key, webhookSecrets: [webhookSecret], supportsIdempotencyKeys: true, canLookUp: true },
  }),
};

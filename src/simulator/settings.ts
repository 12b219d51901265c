export type Channel = 'sms' | 'email';

/** The behaviour of the simulated providers; the body of `GET` and `PUT /_control/settings`. */
export interface Settings {
  honour_idempotency_keys: boolean;
  lookup: boolean;
  /** Determines which requests have a fault with a probability, and which messages are undelivered. */
  seed: number;
  /** The base URL for webhooks: an http or https URL without a path. */
  service_url: string;
  /** The account that webhooks name in `provider`; null if the service has one account per channel. */
  provider_name: string | null;
  receipts: {
    enabled: boolean;
    /** The delay before each receipt of a message, in milliseconds. */
    delay_ms: number;
    /** The share of messages that are undelivered, from 0 to 1. */
    failure_rate: number;
    /** The number of repeated deliveries of each receipt. */
    repeats: number;
    /** Whether `delivered` is sent before `sent`. */
    disorder: boolean;
  };
}

/** Some of the settings. */
export type SettingsChange = Partial<Omit<Settings, 'receipts'>> & {
  receipts?: Partial<Settings['receipts']>;
};

export const defaults: Settings = {
  honour_idempotency_keys: true,
  lookup: true,
  seed: 1,
  service_url: 'http://127.0.0.1:8080',
  provider_name: null,
  receipts: { enabled: true, delay_ms: 50, failure_rate: 0, repeats: 0, disorder: false },
};

/** The longest delay of a timer, in milliseconds. */
const LARGEST_COUNT = 2 ** 31 - 1;

/** Whether the value is a valid count or number of milliseconds. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_COUNT;
}

/** Whether the value is an http or https URL. */
export function isServiceUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^/]/.test(value) && URL.canParse(value);
}

/** The URL for webhooks of a channel; `path` follows the channel. */
export function webhookUrl({ service_url, provider_name }: Settings, channel: Channel, path = ''): string {
  const query = provider_name === null ? '' : `?provider=${encodeURIComponent(provider_name)}`;
  return `${service_url.replace(/\/$/, '')}/api/webhooks/${channel}${path}${query}`;
}

/** Returns the settings with these changes. */
export function merge(settings: Settings, { receipts, ...others }: SettingsChange): Settings {
  return { ...settings, ...others, receipts: { ...settings.receipts, ...receipts } };
}

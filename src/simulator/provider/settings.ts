export type Channel = 'sms' | 'email';

/** How the simulated providers behave; what `GET` and `PUT /_control/settings` show and take. */
export interface Settings {
  honour_idempotency_keys: boolean;
  lookup: boolean;
  /** Decides the faults that have a probability, and the messages that end undelivered. */
  seed: number;
  /** Where webhooks go: an http or https URL without a path. */
  service_url: string;
  /** The name that the service knows the providers by, told in their webhooks; null where it has one of each channel. */
  provider_name: string | null;
  receipts: {
    enabled: boolean;
    /** Before each of the receipts of a message, in milliseconds. */
    delay_ms: number;
    /** The part of messages that end undelivered, from 0 to 1. */
    failure_rate: number;
    /** How many more times each receipt is sent. */
    repeats: number;
    /** `delivered` goes out before `sent`. */
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

/** A request to the control interface that makes no sense. */
export class ControlError extends Error {
  override name = 'ControlError';
}

/** The longest that a timer can wait, in milliseconds. */
const LARGEST_COUNT = 2 ** 31 - 1;

/** Whether it can be a number of things, or of milliseconds. */
export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_COUNT;
}

/** Whether it is from 0 to 1. */
export function isPart(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/** Whether paths can be put after it. */
export function isServiceUrl(value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^/]/.test(value) && URL.canParse(value);
}

/** Where the webhooks of a channel go; `path` is after the channel's own, if there is more of it. */
export function webhookUrl({ service_url, provider_name }: Settings, channel: Channel, path = ''): string {
  const query = provider_name === null ? '' : `?provider=${encodeURIComponent(provider_name)}`;
  return `${service_url.replace(/\/$/, '')}/api/webhooks/${channel}${path}${query}`;
}

const isFlag = (value: unknown) => typeof value === 'boolean';

const RULES: Record<string, (value: unknown) => boolean> = {
  honour_idempotency_keys: isFlag,
  lookup: isFlag,
  seed: isCount,
  service_url: isServiceUrl,
  provider_name: (value) => value === null || (typeof value === 'string' && value !== ''),
};
const RECEIPT_RULES: Record<string, (value: unknown) => boolean> = {
  enabled: isFlag,
  delay_ms: isCount,
  failure_rate: isPart,
  repeats: isCount,
  disorder: isFlag,
};

/**
 * The settings with some of them changed.
 *
 * @throws {ControlError} where one is unknown or has a value that it cannot have.
 */
export function merge(settings: Settings, change: unknown): Settings {
  const { receipts = {}, ...others } = objectOf(change, 'settings');
  check(others, RULES, '');
  check(objectOf(receipts, 'receipts'), RECEIPT_RULES, 'receipts.');
  return { ...settings, ...others, receipts: { ...settings.receipts, ...(receipts as object) } };
}

function check(change: object, rules: typeof RULES, prefix: string): void {
  for (const [name, value] of Object.entries(change)) {
    if (!Object.hasOwn(rules, name)) throw new ControlError(`${prefix}${name} is not a setting`);
    if (!rules[name]?.(value)) throw new ControlError(`${prefix}${name} cannot be ${JSON.stringify(value)}`);
  }
}

/** @throws {ControlError} where `value`, which `what` names, is no object. */
export function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ControlError(`${what} must be an object`);
}

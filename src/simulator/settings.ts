export type Channel = 'sms' | 'email';

/** How the simulated providers behave; what `GET` and `PUT /_control/settings` show and take. */
export interface Settings {
  honour_idempotency_keys: boolean;
  lookup: boolean;
  /** Decides the faults that have a probability. */
  seed: number;
  service_url: string;
  receipts: {
    enabled: boolean;
    delay_ms: number;
    /** The part of messages that end undelivered, from 0 to 1. */
    failure_rate: number;
    /** How many more times each receipt is sent. */
    repeats: number;
    /** `delivered` goes out before `sent`. */
    disorder: boolean;
  };
}

export const defaults: Settings = {
  honour_idempotency_keys: true,
  lookup: true,
  seed: 1,
  service_url: 'http://127.0.0.1:8080',
  receipts: { enabled: true, delay_ms: 50, failure_rate: 0, repeats: 0, disorder: false },
};

/** A request to the control interface that makes no sense. */
export class ControlError extends Error {
  override name = 'ControlError';
}

const count = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
const flag = (value: unknown) => typeof value === 'boolean';
const part = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;

const RULES: Record<string, (value: unknown) => boolean> = {
  honour_idempotency_keys: flag,
  lookup: flag,
  seed: count,
  service_url: (value) => typeof value === 'string' && URL.canParse(value),
};
const RECEIPT_RULES: Record<string, (value: unknown) => boolean> = {
  enabled: flag,
  delay_ms: count,
  failure_rate: part,
  repeats: count,
  disorder: flag,
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
    const rule = rules[name];
    if (!rule) throw new ControlError(`${prefix}${name} is not a setting`);
    if (!rule(value)) throw new ControlError(`${prefix}${name} cannot be ${JSON.stringify(value)}`);
  }
}

export function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ControlError(`${what} must be an object`);
}

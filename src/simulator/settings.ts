export type Channel = 'sms' | 'email';
/** The providers that the simulator implements; each has a folder in `dialects/`. */
export type DialectName =
  | 'standard'
  | 'twilio'
  | 'telnyx'
  | 'vonage'
  | 'ses'
  | 'resend'
  | 'sendgrid'
  | 'postmark'
  | 'smtp';

/** The behaviour of the simulated providers; the body of `GET` and `PUT /_control/settings`. */
export interface Settings {
  honour_idempotency_keys: boolean;
  lookup: boolean;
  /** Determines which requests have a fault with a probability, and the receipts that the shares of `receipts` affect. */
  seed: number;
  /** The base URL for webhooks: an http or https URL without a path. */
  service_url: string;
  /** The account that webhooks name; null if the service has one account per channel. */
  provider_name: string | null;
  receipts: {
    enabled: boolean;
    /** The delay before each receipt of a message, in milliseconds. */
    delay_ms: number;
    /** The share of messages that are undelivered, from 0 to 1. */
    failure_rate: number;
    /** The share of messages whose receipts are all sent before the response to the send, from 0 to 1. */
    early_rate: number;
    /** The share of receipts that are not sent, from 0 to 1. */
    loss_rate: number;
    /** The number of repeated deliveries of each receipt. */
    repeats: number;
    /** Whether the receipts of a message are sent in the reverse order. */
    disorder: boolean;
    /**
     * Which receipts a message with several recipients has in the standard dialect: receipts for all recipients together
     * (`together`), or for each recipient, which name its `address`, or have an `id` that the response gives the recipient.
     */
    recipients: 'together' | 'address' | 'id';
  };
  media: {
    /**
     * The files of outbound messages that the providers fetch: those with a URL of the service, all files, or none. If a file
     * cannot be read, its message fails.
     */
    fetch: 'service' | 'all' | 'none';
    /** The time in which a file must be read, in milliseconds. */
    timeout_ms: number;
  };
  twilio: AccountSettings & {
    /** The time until a message is in the list of messages, in milliseconds. */
    list_delay_ms: number;
    /** Whether each message has a status that is not documented, before its last status. */
    unknown_status: boolean;
  };
  telnyx: AccountSettings & {
    /** Whether the messaging profile is enabled. */
    profile_enabled: boolean;
    /** The time in which the service must respond to a webhook, in milliseconds. */
    timeout_ms: number;
    /** Whether each message has a status that is not documented, before its last status. */
    unknown_status: boolean;
  };
  vonage: AccountSettings & {
    /** Whether the account has Opt-Out Assist: messages to a recipient who sent STOP are rejected, until START. */
    opt_out_assist: boolean;
    /** Whether files of inbound messages are read only with a token of the application (`Secure Inbound Media`). */
    secure_media: boolean;
    /** Whether the first delivery of each webhook is not signed, as by a fault at Vonage. */
    unsigned_first: boolean;
    /** Whether each message has a status that is not documented, before its last status. */
    unknown_status: boolean;
  };
  ses: AccountSettings & {
    /** The version of the signatures of SNS. */
    signature_version: '1' | '2';
    /** Whether deliveries, bounces and complaints are also sent as feedback of the identity, so that they arrive twice. */
    feedback: boolean;
  };
  sendgrid: AccountSettings;
  postmark: AccountSettings & {
    /** The time until an email is found by a search, in milliseconds. */
    search_delay_ms: number;
  };
  resend: AccountSettings;
}

/** The settings of an account at one provider. */
interface AccountSettings {
  /**
   * The URL of the webhooks; null for the URL that the service prints for the account. SendGrid and Postmark post inbound email to
   * this URL with `/inbound` at its end.
   */
  webhook_url: string | null;
  /** The phone numbers, sender ids and addresses of the account, those of Vonage without `+`; null for any sender. */
  senders: string[] | null;
  /** Whether webhooks have fields that are not documented. */
  unknown_fields: boolean;
}

/** The dialects with an account of their own. */
type AccountName = Exclude<DialectName, 'standard' | 'smtp'>;

/** The parts of the settings that a change can give in part. */
type Part = 'receipts' | 'media' | AccountName;

/** Some of the settings. */
export type SettingsChange = Partial<Omit<Settings, Part>> & {
  [Name in Part]?: Partial<Settings[Name]>;
};

const account: AccountSettings = { webhook_url: null, senders: null, unknown_fields: false };

export const defaults: Settings = {
  honour_idempotency_keys: true,
  lookup: true,
  seed: 1,
  service_url: 'http://127.0.0.1:8080',
  provider_name: null,
  receipts: {
    enabled: true,
    delay_ms: 50,
    failure_rate: 0,
    early_rate: 0,
    loss_rate: 0,
    repeats: 0,
    disorder: false,
    recipients: 'together',
  },
  media: { fetch: 'service', timeout_ms: 10_000 },
  twilio: { ...account, list_delay_ms: 0, unknown_status: false },
  telnyx: { ...account, profile_enabled: true, timeout_ms: 2_000, unknown_status: false },
  vonage: {
    ...account,
    ...{ opt_out_assist: false, secure_media: true, unsigned_first: false, unknown_status: false },
  },
  ses: { ...account, signature_version: '1', feedback: false },
  resend: account,
  sendgrid: account,
  postmark: { ...account, search_delay_ms: 0 },
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

/** The URL of the service without a slash at its end. */
export function serviceUrl({ service_url }: Settings): string {
  return service_url.replace(/\/$/, '');
}

/** The URL of the webhooks of an account. */
export function webhookUrlOf({ settings }: { settings: Settings }, dialect: AccountName): string {
  const own = `${serviceUrl(settings)}/api/webhooks/${settings.provider_name ?? dialect}`;
  return settings[dialect].webhook_url ?? own;
}

/** Returns the settings with these changes. */
export function merge(
  settings: Settings,
  { receipts, media, twilio, telnyx, vonage, ses, resend, sendgrid, postmark, ...others }: SettingsChange,
): Settings {
  return {
    ...settings,
    ...others,
    receipts: { ...settings.receipts, ...receipts },
    media: { ...settings.media, ...media },
    twilio: { ...settings.twilio, ...twilio },
    telnyx: { ...settings.telnyx, ...telnyx },
    vonage: { ...settings.vonage, ...vonage },
    ses: { ...settings.ses, ...ses },
    resend: { ...settings.resend, ...resend },
    sendgrid: { ...settings.sendgrid, ...sendgrid },
    postmark: { ...settings.postmark, ...postmark },
  };
}

/** Whether an event with this probability occurs. No number is drawn for a probability of 0. */
export function occurs(probability: number, random: () => number): boolean {
  return probability > 0 && random() < probability;
}

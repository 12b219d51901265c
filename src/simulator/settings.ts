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
  twilio: {
    /** The webhook URL of the account, for inbound messages; null for the URL that the service prints for the account. */
    webhook_url: string | null;
    /** The phone numbers and sender ids of the account; null for any sender. */
    senders: string[] | null;
    /** The time until a message is in the list of messages, in milliseconds. */
    list_delay_ms: number;
    /** Whether webhooks have parameters that are not documented. */
    unknown_fields: boolean;
    /** Whether each message has a status that is not documented, before its last status. */
    unknown_status: boolean;
  };
  telnyx: {
    /** The webhook URL of the messaging profile; null for the URL that the service prints for the account. */
    webhook_url: string | null;
    /** The phone numbers and sender ids of the account; null for any sender. */
    senders: string[] | null;
    /** Whether the messaging profile is enabled. */
    profile_enabled: boolean;
    /** The time in which the service must respond to a webhook, in milliseconds. */
    timeout_ms: number;
    /** Whether webhooks have fields that are not documented. */
    unknown_fields: boolean;
    /** Whether each message has a status that is not documented, before its last status. */
    unknown_status: boolean;
  };
  vonage: {
    /** The webhook URL of the application; null for the URL that the service prints for the account. */
    webhook_url: string | null;
    /** The numbers, without `+`, and sender ids of the account; null for any sender. */
    senders: string[] | null;
    /** Whether the account has Opt-Out Assist: messages to a recipient who sent STOP are rejected, until START. */
    opt_out_assist: boolean;
    /** Whether files of inbound messages are read only with a token of the application (`Secure Inbound Media`). */
    secure_media: boolean;
    /** Whether the first delivery of each webhook is not signed, as by a fault at Vonage. */
    unsigned_first: boolean;
    /** Whether webhooks have fields that are not documented. */
    unknown_fields: boolean;
    /** Whether each message has a status that is not documented, before its last status. */
    unknown_status: boolean;
  };
  ses: {
    /** The URL that is subscribed to the topic; null for the URL that the service prints for the account. */
    webhook_url: string | null;
    /** The verified addresses; null for any sender. */
    senders: string[] | null;
    /** The version of the signatures of SNS. */
    signature_version: '1' | '2';
    /** Whether deliveries, bounces and complaints are also sent as feedback of the identity, so that they arrive twice. */
    feedback: boolean;
    /** Whether webhooks have fields that are not documented. */
    unknown_fields: boolean;
  };
  sendgrid: {
    /** The URL of the event webhook, which inbound email has with `/inbound` at its end; null for that of the account. */
    webhook_url: string | null;
    /** The verified senders; null for any sender. */
    senders: string[] | null;
    /** Whether webhooks have fields that are not documented. */
    unknown_fields: boolean;
  };
  postmark: {
    /** The URL of the webhooks, which inbound email has with `/inbound` at its end; null for that of the account. */
    webhook_url: string | null;
    /** The sender signatures; null for any sender. */
    senders: string[] | null;
    /** The time until an email is found by a search, in milliseconds. */
    search_delay_ms: number;
    /** Whether webhooks have fields that are not documented. */
    unknown_fields: boolean;
  };
  resend: {
    /** The webhook URL; null for the URL that the service prints for the account. */
    webhook_url: string | null;
    /** The addresses of verified domains; null for any sender. */
    senders: string[] | null;
    /** Whether webhooks have fields that are not documented. */
    unknown_fields: boolean;
  };
}

/** The parts of the settings that a change can give in part. */
type Part = 'receipts' | 'media' | Exclude<DialectName, 'standard' | 'smtp'>;

/** Some of the settings. */
export type SettingsChange = Partial<Omit<Settings, Part>> & {
  [Name in Part]?: Partial<Settings[Name]>;
};

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
  twilio: {
    webhook_url: null,
    senders: null,
    list_delay_ms: 0,
    unknown_fields: false,
    unknown_status: false,
  },
  telnyx: {
    webhook_url: null,
    senders: null,
    profile_enabled: true,
    timeout_ms: 2_000,
    unknown_fields: false,
    unknown_status: false,
  },
  vonage: {
    webhook_url: null,
    senders: null,
    opt_out_assist: false,
    secure_media: true,
    unsigned_first: false,
    unknown_fields: false,
    unknown_status: false,
  },
  ses: { webhook_url: null, senders: null, signature_version: '1', feedback: false, unknown_fields: false },
  resend: { webhook_url: null, senders: null, unknown_fields: false },
  sendgrid: { webhook_url: null, senders: null, unknown_fields: false },
  postmark: { webhook_url: null, senders: null, search_delay_ms: 0, unknown_fields: false },
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

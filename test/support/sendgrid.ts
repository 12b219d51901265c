import { createPublicKey } from 'node:crypto';
import type { Provider } from '../../src/providers/provider.ts';
import type { SendGridSettings } from '../../src/providers/sendgrid/config.ts';
import { createSendGridProvider } from '../../src/providers/sendgrid/send.ts';
import { signatureHeaders, signingKey } from '../../src/simulator/dialects/sendgrid/signature.ts';
import type { ReceivedMail } from './mail.ts';

export const API_KEY = 'SG.0123456789abcdef.sendgrid';
export const WEBHOOK_PATH = '/api/webhooks/sendgrid';

/** The verification key of a text from which the signing key is made, as SendGrid shows it. */
export function publicKeyFor(text: string): string {
  return createPublicKey(signingKey(text)).export({ format: 'der', type: 'spki' }).toString('base64');
}

/** The environment of a service with one SendGrid account, whose calls go to `url`. */
export function sendgridEnvironment(url: string, key = 'current'): Record<string, string> {
  return {
    ...{ EMAIL_PROVIDERS: 'sendgrid', SENDGRID_URL: url, SENDGRID_API_KEY: API_KEY },
    ...{ SENDGRID_EVENT_PUBLIC_KEY: publicKeyFor(key), SENDGRID_INBOUND_PUBLIC_KEY: publicKeyFor(key) },
  };
}

/** The adapter, whose calls go to `url`. */
export function sendgridProvider(url: string, settings: Partial<SendGridSettings> = {}): Provider {
  return createSendGridProvider(
    {
      ...{
        name: 'sendgrid',
        channel: 'email',
        kind: 'sendgrid',
        simulated: false,
        warnings: [],
        senders: null,
      },
      ...{ perSecond: null, perSecondPerSender: null, consentReplies: null },
      settings: {
        ...{ url, apiKey: API_KEY, eventPublicKeys: [publicKeyFor('current')] },
        inbound: { publicKeys: [publicKeyFor('current')] },
        ...settings,
      },
    },
    5_000,
  );
}

/** The headers of a webhook that SendGrid signs. */
export function signedHeaders(
  body: string | Buffer,
  { key = 'current', at = Math.floor(Date.now() / 1_000) }: { key?: string; at?: number } = {},
): Record<string, string> {
  return { 'content-type': 'application/json', ...signatureHeaders(signingKey(key), at, body) };
}

interface Address {
  email: string;
  name?: string;
}
export interface SentEmail {
  personalizations: { to: Address[]; cc?: Address[]; bcc?: Address[]; custom_args: { echo: string } }[];
  from: Address;
  reply_to?: Address;
  subject: string;
  content: { type: string; value: string }[];
  headers: Record<string, string>;
  attachments?: {
    content: string;
    type: string;
    filename: string;
    disposition: 'inline' | 'attachment';
    content_id?: string;
  }[];
}

/** The email as SendGrid makes it of a request. */
export function receivedOf(request: SentEmail): ReceivedMail {
  const { personalizations, from, reply_to, subject, content, headers, attachments = [] } = request;
  const list = (addresses: Address[] = []) =>
    addresses.map(({ email, name = '' }) => ({ name, address: email }));
  const bare = (id: string) => id.replace(/^<|>$/g, '');
  const [first] = personalizations;
  return {
    ...{ from: list([from]), to: list(first?.to), cc: list(first?.cc) },
    ...{ replyTo: list(reply_to && [reply_to]), subject },
    messageId: bare(headers['Message-ID'] as string),
    inReplyTo: headers['In-Reply-To'] === undefined ? null : bare(headers['In-Reply-To']),
    references: headers.References?.split(' ').map(bare) ?? [],
    text: content.find(({ type }) => type === 'text/plain')?.value ?? null,
    html: content.find(({ type }) => type === 'text/html')?.value ?? null,
    files: attachments.map((file) => ({
      ...{ name: file.filename, contentType: file.type, contentId: file.content_id ?? null },
      ...{ disposition: file.disposition, content: Buffer.from(file.content, 'base64') },
    })),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  };
}

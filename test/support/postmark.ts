import { createPostmarkProvider } from '../../src/providers/postmark/send.ts';
import type { Provider } from '../../src/providers/provider.ts';
import type { ReceivedAddress, ReceivedMail } from './mail.ts';

export const SERVER_TOKEN = '5a2d3f4b-0123-4567-89ab-cdef01234567';
export const PASSWORD = 'a-password-of-postmark-0123';
export const WEBHOOK_PATH = '/api/webhooks/postmark';

/** The environment of a service with one Postmark account, whose calls go to `url`. */
export function postmarkEnvironment(url: string): Record<string, string> {
  return {
    ...{ EMAIL_PROVIDERS: 'postmark', POSTMARK_URL: url, POSTMARK_SERVER_TOKEN: SERVER_TOKEN },
    POSTMARK_WEBHOOK_PASSWORD: PASSWORD,
  };
}

/** The adapter, whose calls go to `url`. */
export function postmarkProvider(url: string): Provider {
  return createPostmarkProvider(
    {
      ...{
        name: 'postmark',
        channel: 'email',
        kind: 'postmark',
        simulated: false,
        warnings: [],
        senders: null,
      },
      ...{ perSecond: null, perSecondPerSender: null, consentReplies: null },
      settings: {
        ...{ url, serverToken: SERVER_TOKEN, messageStream: 'outbound' },
        webhooks: { user: 'postmark', passwords: [PASSWORD] },
      },
    },
    5_000,
  );
}

/** The headers of a webhook with the credentials of its URL. */
export function authorized(password = PASSWORD): Record<string, string> {
  const credentials = Buffer.from(`postmark:${password}`).toString('base64');
  return { 'content-type': 'application/json', authorization: `Basic ${credentials}` };
}

export interface SentEmail {
  From: string;
  To?: string;
  Cc?: string;
  Bcc?: string;
  ReplyTo?: string;
  Subject: string;
  TextBody?: string;
  HtmlBody?: string;
  Headers: { Name: string; Value: string }[];
  Attachments?: { Name: string; Content: string; ContentType: string; ContentID?: string }[];
  Metadata: { echo: string };
  MessageStream: string;
}

/** The email as Postmark makes it of a request. */
export function receivedOf(request: SentEmail): ReceivedMail {
  const header = (name: string) => request.Headers.find(({ Name }) => Name === name)?.Value;
  const bare = (id: string) => id.replace(/^<|>$/g, '');
  const inReplyTo = header('In-Reply-To');
  return {
    ...{ from: mailboxes(request.From), to: mailboxes(request.To), cc: mailboxes(request.Cc) },
    ...{ replyTo: mailboxes(request.ReplyTo), subject: request.Subject },
    messageId: bare(header('Message-ID') ?? ''),
    inReplyTo: inReplyTo === undefined ? null : bare(inReplyTo),
    references: header('References')?.split(' ').map(bare) ?? [],
    ...{ text: request.TextBody ?? null, html: request.HtmlBody ?? null },
    files: (request.Attachments ?? []).map(({ Name, ContentType, ContentID, Content }) => ({
      ...{ name: Name, contentType: ContentType, contentId: ContentID?.replace(/^cid:/, '') ?? null },
      disposition: ContentID === undefined ? ('attachment' as const) : ('inline' as const),
      content: Buffer.from(Content, 'base64'),
    })),
    headers: Object.fromEntries(request.Headers.map(({ Name, Value }) => [Name.toLowerCase(), Value])),
  };
}

/** RFC 5322: a comma in a quoted name separates nothing. */
function mailboxes(list = ''): ReceivedAddress[] {
  return (list.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? []).map((text) => {
    const [, quoted, address] = /^\s*"((?:[^"\\]|\\.)*)" <([^<>]+)>\s*$/.exec(text) ?? [];
    return { name: quoted?.replaceAll(/\\(.)/g, '$1') ?? '', address: address ?? text.trim() };
  });
}

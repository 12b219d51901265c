import { messageIdIn } from './message-ids.ts';
import type { MailFile, ParsedMail } from './parsed-mail.ts';

/** A recipient to whom an email of ours could not be delivered. */
export interface FailedRecipient {
  address: string;
  /** `hard`: the address will never accept an email. */
  bounce: 'hard' | 'soft';
  /** The enhanced status code (RFC 3463), such as `5.1.1`. */
  status: string;
  /** The reply of the recipient's server. */
  diagnostic: string | null;
}

/** A delivery status notification (RFC 3464) about failed recipients. */
export interface Bounce {
  /** The possible Message-IDs of the email, without angle brackets: that of the returned email, or those that the bounce answers. */
  messageIds: string[];
  failed: FailedRecipient[];
}

/** Max recipients of a notification, and max bytes that are read. */
const MAX_RECIPIENTS = 300;
const MAX_BYTES = 1_048_576;
/**
 * Codes of an address that does not exist or is closed (RFC 3463). Other permanent codes are about the mailbox, the route, the
 * content or a policy, or name no reason, and a later email may be accepted.
 */
const HARD = /^5\.(?:1\.(?:0|1|2|3|6|10)|2\.1)$/;
/** The status of a recipient without a status code: a permanent failure without a reason. */
const NO_REASON = '5.0.0';

/**
 * The failed recipients in a bounce; null for any other email, also for a notification about delays or deliveries, and for an email
 * that only contains a report as a file (RFC 6522, section 3).
 */
export function bounceIn({ headers, files, inReplyTo, references }: ParsedMail): Bounce | null {
  if (!isReport(headers)) return null;
  const report = files.find(({ contentType }) => contentType === 'message/delivery-status');
  const failed = report ? groupsIn(report).flatMap((group) => failedIn(group) ?? []) : [];
  if (failed.length === 0) return null;
  const returned = files.find(({ contentType }) =>
    /^(?:message\/rfc822|text\/rfc822-headers)/.test(contentType ?? ''),
  );
  const id = returned && messageIdIn(headerIn(returned, 'message-id'));
  return {
    messageIds: id ? [id] : [...inReplyTo, ...references.slice(-1)],
    failed: failed.slice(0, MAX_RECIPIENTS),
  };
}

function isReport(headers: ParsedMail['headers']): boolean {
  const value = headers.find(({ name }) => name === 'content-type')?.value ?? '';
  return /^\s*multipart\/report\s*;/i.test(value) && /;\s*report-type\s*=\s*"?delivery-status\b/i.test(value);
}

type Fields = Map<string, string>;

/** The groups of fields: of the email, and of each recipient. */
function groupsIn({ content }: MailFile): Fields[] {
  return textOf(content)
    .split(/\n[ \t]*\n/)
    .map(fieldsIn);
}

function fieldsIn(block: string): Fields {
  const lines = block.replace(/\n[ \t]+/g, ' ').split('\n');
  return new Map(
    lines.flatMap((line) => {
      const end = line.indexOf(':');
      return end === -1 ? [] : [[line.slice(0, end).trim().toLowerCase(), line.slice(end + 1).trim()]];
    }),
  );
}

function headerIn({ content }: MailFile, name: string): string | null {
  const [headers = ''] = textOf(content).split('\n\n', 1);
  return fieldsIn(headers).get(name) ?? null;
}

function textOf(content: Buffer): string {
  return content.subarray(0, MAX_BYTES).toString('latin1').replaceAll('\r\n', '\n');
}

function failedIn(group: Fields): FailedRecipient | null {
  if (group.get('action')?.toLowerCase().replace(/\W.*$/, '') !== 'failed') return null;
  // The original address is the one that the email was sent to, before a server forwarded it.
  const address = addressIn(group.get('original-recipient')) ?? addressIn(group.get('final-recipient'));
  const status = /\d\.\d{1,3}\.\d{1,3}/.exec(group.get('status') ?? '')?.[0] ?? NO_REASON;
  if (address === null) return null;
  const diagnostic = group.get('diagnostic-code')?.replace(/^smtp;\s*/i, '') ?? null;
  return { address, status, diagnostic, bounce: HARD.test(status) ? 'hard' : 'soft' };
}

/** The address in `rfc822; ada@example.com`. */
function addressIn(field: string | undefined): string | null {
  const address = field?.split(';').at(-1)?.trim().replace(/^<|>$/g, '') ?? '';
  return address.includes('@') ? address : null;
}

import { encodeWords } from 'nodemailer/lib/mime-funcs';
import type { OutgoingEmail } from '../outgoing.ts';

/** The headers of an email that APIs have no fields for: the thread, and those of the client, in ASCII (RFC 2047). */
export function headersOf({ messageId, inReplyTo, references, headers }: OutgoingEmail): Map<string, string> {
  return new Map([
    ['Message-ID', `<${messageId}>`],
    ...(inReplyTo === null ? [] : [['In-Reply-To', `<${inReplyTo}>`] as const]),
    ...(references.length === 0
      ? []
      : [['References', references.map((id) => `<${id}>`).join(' ')] as const]),
    ...Object.entries(headers).map(([name, value]) => [name, encodeWords(value)] as const),
  ]);
}

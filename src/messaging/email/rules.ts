import type { Fault } from '../../errors.ts';
import { CONTROL, hasEncodedWord } from '../../mail/header-text.ts';

/** The headers of an email that a client can set, in lower case. Every other header is set by the service or by a mail server. */
const SAFE_HEADERS = new Set([
  'auto-submitted',
  'precedence',
  'importance',
  'priority',
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'feedback-id',
]);
const PRIVATE_HEADER = /^x-[a-z\d]/;
/**
 * The headers by which providers and mail servers take instructions: SendGrid (X-SMTPAPI), SES (X-SES-…), Postmark (X-PM-…),
 * Mailchimp (X-MC-…), Mailgun, Mailjet (X-MJ-…), SparkPost (X-MSYS-API) and Exchange.
 */
const CONTROL_HEADER =
  /^x-(?:smtpapi$|sg-|ses-|amz|pm-|mc-|mandrill|mailgun-|mj-|mailjet-|msys-|resend-|ms-exchange-|originating-|original-|envelope|sender$|return-path$)/;

const HEADER_NAME = /^[A-Za-z\d](?:[A-Za-z\d-]*[A-Za-z\d])?$/;
/** The length of a line (RFC 5322, section 2.1.1). */
const MAX_LINE = 998;
const MAX_NAME = 76;
/** Every provider takes printable ASCII; other characters can be written as encoded words (RFC 2047). */
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const CONTENT_ID = /^[A-Za-z\d][A-Za-z\d._+@-]{0,127}$/;

/** The rules of the further headers of an email that the schema cannot express. */
export function headerFaults(headers: Readonly<Record<string, string>> = {}): Fault[] {
  const names = Object.keys(headers);
  const firstOf = new Map<string, string>();
  for (const name of names.toReversed()) firstOf.set(name.toLowerCase(), name);
  return names.flatMap((name) => {
    const path = `/body/headers/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const isFirst = firstOf.get(name.toLowerCase()) === name;
    const message = isFirst ? headerFault(name, headers[name] as string) : 'must not be repeated';
    return message === null ? [] : [{ path, message }];
  });
}

function headerFault(name: string, value: string): string | null {
  if (!HEADER_NAME.test(name) || name.length > MAX_NAME)
    return 'must have a name of letters, digits and hyphens';
  const key = name.toLowerCase();
  if (CONTROL_HEADER.test(key)) return 'controls a provider or a mail server, and cannot be set';
  if (!SAFE_HEADERS.has(key) && !PRIVATE_HEADER.test(key)) return 'is not a header that can be set';
  if (CONTROL.test(value)) return 'must be one line without control characters';
  if (!HEADER_VALUE.test(value))
    return 'must be printable ASCII without spaces at its ends; other characters can be encoded words (RFC 2047)';
  return name.length + 2 + value.length > MAX_LINE
    ? `must have at most ${MAX_LINE} characters with its name`
    : null;
}

/** The fault of a text that is a header or a part of one: a subject, a display name, an address or the name of a file. */
export function headerTextFault(path: string, text: string | null | undefined): Fault[] {
  if (!text) return [];
  if (CONTROL.test(text)) return [{ path, message: 'must be one line without control characters' }];
  return hasEncodedWord(text)
    ? [{ path, message: 'must be plain text, without encoded words (RFC 2047)' }]
    : [];
}

/** The faults of the content ids of an email, which are in the `Content-ID` of files. */
export function contentIdFaults(ids: readonly { path: string; id: string }[]): Fault[] {
  const found = new Set<string>();
  return ids.flatMap(({ path, id }) => {
    if (!CONTENT_ID.test(id)) return [{ path, message: 'must have letters, digits and . _ + @ - only' }];
    if (found.has(id)) return [{ path, message: 'must be unique in the message' }];
    found.add(id);
    return [];
  });
}

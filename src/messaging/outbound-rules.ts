import type { Fault } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { Address } from './address.ts';
import { isLongerThan } from './length.ts';

type Request = Schema<'UntypedMessage'>;

/** The limit of Twilio and other providers for the text of one message, in characters. */
const MAX_TEXT_LENGTH = 1_600;
const EMAIL_FIELDS = ['subject', 'cc', 'bcc', 'reply_to'] as const;

/** The rules of a text that the schema cannot express. */
export function textFaults(
  request: Request,
  type: Schema<'MessageType'>,
  sender: Address | null,
  to: Address[],
): Fault[] {
  const faults: Fault[] = EMAIL_FIELDS.filter((field) => request[field] !== undefined).map((field) => ({
    path: `/body/${field}`,
    message: 'is allowed for email only',
  }));
  const attachments = request.attachments?.length ?? 0;
  if (type === 'sms' && attachments > 0)
    faults.push({
      path: '/body/attachments',
      message: 'must be empty for an sms; only an mms has attachments',
    });
  if (type === 'sms' && to.length > 1)
    faults.push({
      path: '/body/to',
      message: 'must be one address for an sms; only an mms has several recipients',
    });
  if (type === 'mms' && to.length > 1 && to.some(({ key }) => key === sender?.key))
    faults.push({ path: '/body/to', message: 'must not include the sender of a group message' });
  if (request.body === '' && attachments === 0)
    faults.push({ path: '/body/body', message: 'must not be empty' });
  if (isLongerThan(request.body, MAX_TEXT_LENGTH))
    faults.push({ path: '/body/body', message: `must not have more than ${MAX_TEXT_LENGTH} characters` });
  return faults;
}

/** Checks the hosts and ports of URLs. The schema of the contract checks only their form. */
export function attachmentFaults(urls: readonly string[]): Fault[] {
  return urls.flatMap((url, index) =>
    hasHost(url)
      ? []
      : { path: `/body/attachments/${index}`, message: 'must be a URL with a valid host and port' },
  );
}

/** Whether the host and port are valid in browsers (WHATWG URL), and the host has no empty label. */
function hasHost(url: string): boolean {
  const host = URL.parse(url)?.hostname.replace(/\.$/, '') ?? '';
  return host.split('.').every((label) => label !== '');
}

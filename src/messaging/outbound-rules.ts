import type { Fault } from '../errors.ts';
import type { Schema } from '../openapi/types.ts';
import type { Address } from './address.ts';
import { isLongerThan } from './length.ts';

type Request = Schema<'UntypedMessage'>;

/** The number of files that a message names, by URL and by id. */
export function countFiles({ attachments, media_ids }: Pick<Request, 'attachments' | 'media_ids'>): number {
  return (attachments?.length ?? 0) + (media_ids?.length ?? 0);
}

/** The limit of Twilio and other providers for the text of one message, in characters. */
const MAX_TEXT_LENGTH = 1_600;
/** The maximum of files of one message: URLs and stored files together. */
const MAX_FILES = 10;
const FILE_FIELDS = ['attachments', 'media_ids'] as const;
const EMAIL_FIELDS = [
  'subject',
  'cc',
  'bcc',
  'reply_to',
  'text',
  'html',
  'headers',
  'reply_to_message_id',
  'unsubscribe',
] as const;

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
  if (type === 'sms')
    for (const field of FILE_FIELDS.filter((name) => (request[name]?.length ?? 0) > 0))
      faults.push({
        path: `/body/${field}`,
        message: 'must be empty for an sms; only an mms has attachments',
      });
  if (type === 'sms' && to.length > 1)
    faults.push({
      path: '/body/to',
      message: 'must be one address for an sms; only an mms has several recipients',
    });
  if (type === 'mms' && to.length > 1 && to.some(({ key }) => key === sender?.key))
    faults.push({ path: '/body/to', message: 'must not include the sender of a group message' });
  if (request.body === undefined)
    faults.push({ path: '/body/body', message: "must have required property 'body'" });
  if (request.body === '' && countFiles(request) === 0)
    faults.push({ path: '/body/body', message: 'must not be empty' });
  for (const [index, attachment] of (request.attachments ?? []).entries())
    if (typeof attachment !== 'string')
      faults.push({
        path: `/body/attachments/${index}`,
        message: 'must be a URL; only an email has other attachments',
      });
  if (isLongerThan(request.body ?? '', MAX_TEXT_LENGTH))
    faults.push({ path: '/body/body', message: `must not have more than ${MAX_TEXT_LENGTH} characters` });
  return faults;
}

/** Checks the number of files, and the hosts and ports of URLs. The schema of the contract checks only the form of URLs. */
export function attachmentFaults(request: Pick<Request, 'attachments' | 'media_ids'>): Fault[] {
  const faults: Fault[] = (request.attachments ?? []).flatMap((attachment, index) => {
    const isUrl = typeof attachment === 'string';
    const url = isUrl ? attachment : attachment.url;
    if (url === undefined || hasHost(url)) return [];
    const path = `/body/attachments/${index}${isUrl ? '' : '/url'}`;
    return { path, message: 'must be a URL with a valid host and port' };
  });
  if (countFiles(request) > MAX_FILES)
    faults.push({
      path: '/body/media_ids',
      message: `must not have more than ${MAX_FILES} items together with attachments`,
    });
  return faults;
}

/** Whether the host and port are valid in browsers (WHATWG URL), and the host has no empty label. */
function hasHost(url: string): boolean {
  const host = URL.parse(url)?.hostname.replace(/\.$/, '') ?? '';
  return host.split('.').every((label) => label !== '');
}

import { sentFileName } from '../../media/file-name.ts';
import type { MediaLinks } from '../../media/links.ts';
import type { Capabilities } from '../../providers/capabilities.ts';
import type { OutgoingFile } from '../../providers/outgoing.ts';
import type { FailedOutcome } from '../../providers/provider.ts';
import { NO_LINKS } from '../accounts/not-called.ts';
import type { Claimed } from '../claim.ts';
import type { CallFiles, FileContents } from './file-contents.ts';
import type { FileLimits } from './file-limits.ts';

/** Providers fetch files after they accepted a message, and some only when the carrier takes it. */
const AFTER_EXPIRY_SECONDS = 86_400;
/** The last time that a link can have: the end of the year 9999. */
const LAST_SECOND = 253_402_300_799;

type WithFiles = Pick<Claimed, 'id' | 'attachments' | 'media' | 'fetched' | 'email' | 'may_have_been_sent'>;

/** The files of a message, as an account takes them; the outcome of an attempt without a call if there are none. */
export async function filesOf(
  links: MediaLinks,
  contents: FileContents,
  { attachmentsBy }: Pick<Capabilities, 'attachmentsBy'>,
  message: Claimed,
  limits: () => FileLimits,
  signal: AbortSignal,
): Promise<CallFiles | FailedOutcome> {
  if (!attachmentsBy.includes('url') && hasFiles(message))
    return contents.load(message, { ...limits(), signal });
  const files = linkedFiles(links, message);
  return files === null ? NO_LINKS : { files, [Symbol.dispose]: () => undefined };
}

export function hasFiles({ attachments, media }: Pick<WithFiles, 'attachments' | 'media'>): boolean {
  return attachments.length > 0 || (media?.length ?? 0) > 0;
}

/**
 * The files of a message by their URLs. Links are the same in each attempt, so that a repeat with an idempotency key has the same
 * body, as long as the first of `SECRET_KEYS` and `PUBLIC_URL` stay the same. A manual retry of an expired message gives them a new
 * expiry.
 *
 * @returns null if the message has stored files and there are no links to them.
 */
function linkedFiles(
  links: MediaLinks,
  { attachments, email, media, expires_at }: Pick<Claimed, 'attachments' | 'email' | 'media' | 'expires_at'>,
): readonly OutgoingFile[] | null {
  const files: OutgoingFile[] = attachments.map((url, index) => {
    const { content_type = null, filename = null, content_id = null } = email?.url_files?.[index] ?? {};
    return {
      url,
      contentType: content_type,
      size: null,
      name: sentFileName(filename),
      contentId: content_id,
      content: null,
    };
  });
  const expires = Math.min(Math.ceil(expires_at.getTime() / 1_000) + AFTER_EXPIRY_SECONDS, LAST_SECOND);
  for (const { id, content_type, size, name, content_id } of media ?? []) {
    const url = links.urlUntil(id, expires);
    if (url === null) return null;
    files.push({
      url,
      contentType: content_type,
      size,
      name: sentFileName(name),
      contentId: content_id,
      content: null,
    });
  }
  return files;
}

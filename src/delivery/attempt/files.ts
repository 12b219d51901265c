import type { MediaLinks } from '../../media/links.ts';
import type { OutgoingFile } from '../../providers/provider.ts';
import type { Claimed } from '../claim.ts';

/** Providers fetch files after they accepted a message, and some only when the carrier takes it. */
const AFTER_EXPIRY_SECONDS = 86_400;
/** The last time that a link can have: the end of the year 9999. */
const LAST_SECOND = 253_402_300_799;

/**
 * The files of a message for its provider. Links are the same in each attempt, so that a repeat with an idempotency key has the same
 * body, as long as the first of `SECRET_KEYS` and `PUBLIC_URL` stay the same. A manual retry of an expired message gives them a new
 * expiry.
 *
 * @returns null if the message has stored files and there are no links to them.
 */
export function filesOf(
  links: MediaLinks,
  { attachments, media, expires_at }: Pick<Claimed, 'attachments' | 'media' | 'expires_at'>,
): readonly OutgoingFile[] | null {
  const files: OutgoingFile[] = attachments.map((url) => ({
    ...{ url, contentType: null, size: null, name: null, contentId: null, content: null },
  }));
  const expires = Math.min(Math.ceil(expires_at.getTime() / 1_000) + AFTER_EXPIRY_SECONDS, LAST_SECOND);
  for (const { id, content_type, size } of media ?? []) {
    const url = links.urlUntil(id, expires);
    if (url === null) return null;
    files.push({ url, contentType: content_type, size, name: null, contentId: null, content: null });
  }
  return files;
}

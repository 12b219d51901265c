import type { IncomingHttpHeaders } from 'node:http';
import type { Channel } from '../../channel.ts';
import { permanent } from '../../media/fetching/failure.ts';
import { isTextMessageType, mediaTypeOf } from '../../media/types.ts';
import type { Claimed } from './claim.ts';

/** Types that servers send for files whose type they do not know. */
const UNKNOWN_TYPES = new Set(['application/octet-stream', 'binary/octet-stream']);
const UNKNOWN = 'application/octet-stream';

/**
 * The type of a file, from its response; if the response has none, the type that the provider has declared.
 *
 * @throws {FetchFailure} if a message of the channel cannot have such a file.
 */
export function typeOf(headers: IncomingHttpHeaders, { content_type }: Claimed, channel: Channel): string {
  const own = mediaTypeOf(headers['content-type']);
  const known = [own, content_type].find((type) => type !== null && !UNKNOWN_TYPES.has(type));
  if (channel === 'email') return known ?? UNKNOWN;
  if (known && isTextMessageType(known)) return known;
  const subject = known ? `Files of the type ${known}` : 'Files without a known type';
  throw permanent('type_not_allowed', `${subject} are not allowed in an SMS or MMS.`);
}

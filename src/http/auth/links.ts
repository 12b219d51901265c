import type { Request } from 'express';
import { UnauthorizedError } from '../../errors.ts';
import type { MediaLinks } from '../../media/links.ts';
import type { LinkCaller } from './caller.ts';

const LINK_NOT_VALID =
  'The link has expired, or is not a link of this service. Read the message or GET /api/media/{id} for a new link.';

/**
 * The caller of a request with a link; null for a request without a signature. A signature excludes other credentials, also if no
 * API keys are configured.
 *
 * @throws {UnauthorizedError} if the link is not valid.
 */
export function linkCallerOf({ query, params }: Request, links: MediaLinks): LinkCaller | null {
  const { expires, signature } = query;
  if (signature === undefined) return null;
  const isValid =
    typeof signature === 'string' && links.isValid(Number(params.id), Number(expires), signature);
  if (!isValid) throw new UnauthorizedError(LINK_NOT_VALID);
  return { type: 'link' };
}

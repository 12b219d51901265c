import { type Request, type Response, Router } from 'express';
import type { UnsubscribeLink, UnsubscribeLinks } from '../../consent/unsubscribe-links.ts';
import { UnavailableError } from '../../errors.ts';
import { notAllowed } from '../contract/validator.ts';
import { endBeforeBody } from '../middleware/drain-request.ts';
import { CONTENT_SECURITY_POLICY, QUESTION, UNAVAILABLE, UNKNOWN_LINK, UNSUBSCRIBED } from './page.ts';

export interface UnsubscribeOptions {
  links: UnsubscribeLinks;
  /** Adds the recipient of an email to the ledger. */
  unsubscribe: (link: UnsubscribeLink) => Promise<void>;
  /** Converts errors of the database driver to errors of `errors.ts`. */
  translate: (error: unknown) => unknown;
}

/**
 * The links by which recipients of emails unsubscribe (RFC 8058). They need no credentials, because the link is the proof, and work
 * from every host and origin, because mail programs send the POST. GET and HEAD change nothing, because scanners of mail servers open
 * links. The body of the POST is ignored, because mail programs send it in different forms.
 */
export function unsubscribeRoutes({ links, unsubscribe, translate }: UnsubscribeOptions): Router {
  const router = Router();
  const linkOf = ({ params }: Request) => links.read(String(params.token));
  router
    .route('/unsubscribe/:token')
    .get((request, response) => {
      if (linkOf(request)) send(request, response, 200, QUESTION);
      else send(request, response, 404, UNKNOWN_LINK);
    })
    .post(async (request, response) => {
      const link = linkOf(request);
      if (!link) return send(request, response, 404, UNKNOWN_LINK);
      try {
        await unsubscribe(link);
      } catch (cause) {
        const error = translate(cause);
        if (!(error instanceof UnavailableError)) throw error;
        response.set('retry-after', `${error.retryAfter}`);
        return send(request, response, 503, UNAVAILABLE);
      }
      send(request, response, 200, UNSUBSCRIBED);
    })
    .all(({ method }) => {
      throw notAllowed(method, '/unsubscribe/{token}', ['get', 'head', 'post']);
    });
  return router;
}

function send(request: Request, response: Response, status: number, page: string): void {
  response.status(status).set({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-robots-tag': 'noindex, nofollow',
  });
  endBeforeBody(request, response, page);
}

import type { RequestHandler } from 'express';
import { answerError } from './error-response.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Middleware that protects the simulator against web pages in a browser on this machine: a page of another origin could
 * call the simulator with a plain form, and a page whose host name resolves to loopback (DNS rebinding) could read its
 * responses. The simulator signs webhooks, so a forged call would create a verified message in the service.
 *
 * @param host the address that the simulator listens on; unless it is loopback, any `Host` is allowed.
 */
export function refuseForeign(host: string): RequestHandler {
  const isLocal = LOOPBACK.test(host) || host === '::1';
  return (request, response, next) => {
    const { host: hosts = [], origin: origins = [] } = request.headersDistinct;
    const isKnown = !isLocal || (hosts.length > 0 && hosts.every((name) => LOOPBACK.test(name)));
    const isOwn = origins.every((origin) => hosts.includes(URL.parse(origin)?.host ?? ''));
    if (isKnown && isOwn) next();
    else
      answerError(
        response,
        403,
        'forbidden',
        'Requests for other hosts and from other web pages are refused',
      );
  };
}

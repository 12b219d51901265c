import type { RequestHandler } from 'express';
import { answerError } from './provider/api.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Middleware against web pages that a person on this machine opens: a page of another origin could call the simulator
 * by a plain form, and a page whose name was made to resolve to loopback (DNS rebinding) could read from it. The
 * simulator signs webhooks, so a forged call here would become a genuine message of the service.
 *
 * @param host where the simulator listens; on an address other than loopback any `Host` is answered.
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

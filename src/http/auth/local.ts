import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { ForbiddenError } from '../../errors.ts';

const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;
const LOOPBACK_PEER = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/i;
/** Headers that proxies and tunnels add to forwarded requests. */
const FORWARDING = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
];

/**
 * Middleware for a service without API keys. Refuses requests for a host other than loopback and `allowedHosts`, and
 * requests from pages of another origin. Otherwise web pages could call the service: a page of another origin with a plain
 * form, and a page whose host name resolves to loopback (DNS rebinding) with any request.
 *
 * @param allowedHosts host names; a name without a port allows every port.
 */
export function refuseForeign(allowedHosts: readonly string[]): RequestHandler {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const isAllowed = (host: string) =>
    isLoopbackHost(host) || allowed.has(host.toLowerCase()) || allowed.has(withoutPort(host).toLowerCase());
  return (request, _response, next) => {
    const hosts = hostsOf(request);
    if (hosts.length === 0 || !hosts.every(isAllowed))
      throw new ForbiddenError(
        'Without API keys, requests must be for a loopback host or a host of ALLOWED_HOSTS.',
      );
    if (!isSameOrigin(request))
      throw new ForbiddenError('Without API keys, requests from pages of another origin are not allowed.');
    next();
  };
}

/** Whether a request comes from this machine without a proxy. */
export function isLocal(request: IncomingMessage): boolean {
  const hosts = hostsOf(request);
  return (
    LOOPBACK_PEER.test(request.socket.remoteAddress ?? '') &&
    hosts.length > 0 &&
    hosts.every(isLoopbackHost) &&
    isSameOrigin(request) &&
    FORWARDING.every((name) => request.headers[name] === undefined)
  );
}

/** The hosts of a request: of the `Host` headers, and of a target in absolute form (RFC 9112, 3.2.2). */
function hostsOf({ headersDistinct, url = '' }: IncomingMessage): string[] {
  const given = headersDistinct.host ?? [];
  if (url.startsWith('/') || url === '*') return given;
  return [...given, URL.parse(url)?.host ?? ''];
}

function isLoopbackHost(host: string): boolean {
  const name = withoutPort(host);
  return LOOPBACK_NAME.test(name) && (!name.startsWith('127') || isIP(name) === 4);
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '');
}

/** Browsers send `Origin` with every request that can have an effect; the value `null` is never the same origin. */
function isSameOrigin(request: IncomingMessage): boolean {
  const origins = request.headersDistinct.origin ?? [];
  const own = hostsOf(request).map((host) => URL.parse(`http://${host}`)?.host);
  return origins.every((origin) => {
    const host = URL.parse(origin)?.host;
    return Boolean(host) && own.includes(host);
  });
}

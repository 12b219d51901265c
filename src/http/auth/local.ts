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
 * Middleware for a service without API keys. Without it any web page could call the service: a page of another origin
 * with a plain form, and a page whose host name resolves to loopback (DNS rebinding) with any request. It refuses
 * requests for a host other than loopback and `allowedHosts`, and requests from pages of another origin.
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
        'Without API keys the service answers requests for loopback hosts only; ALLOWED_HOSTS adds others.',
      );
    if (!isSameOrigin(request))
      throw new ForbiddenError(
        'Without API keys the service answers no requests from pages of another origin.',
      );
    next();
  };
}

/** Tells whether a request was made on this machine and reached the service directly. */
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

/** Every host that a request names: in `Host`, and in a target that is a whole URL (RFC 9112, 3.2.2). */
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

/** Browsers send `Origin` with every request that can have an effect; a hidden origin is `null`. */
function isSameOrigin(request: IncomingMessage): boolean {
  const origins = request.headersDistinct.origin ?? [];
  const own = hostsOf(request).map((host) => URL.parse(`http://${host}`)?.host);
  return origins.every((origin) => {
    const host = URL.parse(origin)?.host;
    return Boolean(host) && own.includes(host);
  });
}

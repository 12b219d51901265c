import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { ForbiddenError } from '../../errors.ts';

const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;
const LOOPBACK_PEER = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/i;
/** Headers that proxies and tunnels add to what they pass on. */
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
 * Middleware for a service without API keys, which any web page could call otherwise: a page of another origin by a
 * plain form, and a page whose own name was made to resolve to loopback (DNS rebinding) by anything. Only requests
 * that name a loopback host, or one of `allowedHosts`, and come from no foreign page pass.
 *
 * @param allowedHosts host names, with a port or for every port.
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

/** Every host that a request names: in `Host`, and in its target where that is a whole URL (RFC 9112, 3.2.2). */
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

/** Browsers send `Origin` with whatever can change something, and `null` where they do not tell it. */
function isSameOrigin(request: IncomingMessage): boolean {
  const origins = request.headersDistinct.origin ?? [];
  const own = hostsOf(request).map((host) => URL.parse(`http://${host}`)?.host);
  return origins.every((origin) => {
    const host = URL.parse(origin)?.host;
    return Boolean(host) && own.includes(host);
  });
}

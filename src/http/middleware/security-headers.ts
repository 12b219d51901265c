import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/**
 * Helmet's headers for responses that are data: a browser must not load, frame or sniff their content. An operation that
 * returns a page overrides them.
 */
const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  frameguard: { action: 'deny' },
  // For this host only: the service does not control the subdomains.
  strictTransportSecurity: { includeSubDomains: false },
  // These headers affect pages only.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  dnsPrefetchControl: false,
  ieNoOpen: false,
  xssFilter: false,
});

/** Middleware that sets the headers of every response; a response is not cached by default. */
export function securityHeaders(
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  response.setHeader('cache-control', 'no-store');
  secure(request, response, next);
}

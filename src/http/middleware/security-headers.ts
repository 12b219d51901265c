import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/**
 * The headers of Helmet for responses that are data. A browser must not execute, frame or sniff their content. Routes for
 * pages override these headers.
 */
const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  frameguard: { action: 'deny' },
  // Without subdomains, because the service does not control them.
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

import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Helmet's headers for responses that are data: a browser must not load, frame, sniff or cache their content. An
 * operation that returns a page overrides them.
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

/** The headers of every response. They are constant, so Helmet computes them once. */
export const SECURITY_HEADERS: ReadonlyMap<string, string> = headersOf();

function headersOf(): Map<string, string> {
  const model = new ServerResponse(new IncomingMessage(new Socket()));
  secure(model.req, model, () => undefined);
  model.setHeader('cache-control', 'no-store');
  return new Map(Object.entries(model.getHeaders()) as [string, string][]);
}

export const securityHeaders: RequestHandler = (_request, response, next) => {
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
  next();
};

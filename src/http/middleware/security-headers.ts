import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Helmet's headers for answers that are data, not pages: nothing in them may be loaded, framed, guessed at or kept.
 * An operation that answers with a page of its own sets those that it needs otherwise in its answer.
 */
const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  frameguard: { action: 'deny' },
  // Of the host alone: what is under the same domain is not this service's to decide.
  strictTransportSecurity: { includeSubDomains: false },
  // These are about pages only.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  dnsPrefetchControl: false,
  ieNoOpen: false,
  xssFilter: false,
});

/** The headers of every response. They never differ, so Helmet is asked for them once. */
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

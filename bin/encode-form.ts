import type { RequestHandler } from 'express';

/** Replaces a parsed form with its bytes: the proxy of Pact parses a form, and would send JSON in its place. */
export const encodeForm: RequestHandler = (request, _response, next) => {
  const { body, headers } = request;
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  if (isForm && !Buffer.isBuffer(body)) {
    const parameters = Object.entries(body as Record<string, string | string[]>).flatMap(([name, values]) =>
      [values].flat().map((value): [string, string] => [name, value]),
    );
    request.body = Buffer.from(new URLSearchParams(parameters).toString());
    headers['content-length'] = String(request.body.length);
  }
  next();
};

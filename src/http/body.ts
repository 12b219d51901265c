import express, { type Request, type RequestHandler } from 'express';
import { type Fault, PayloadTooLargeError } from '../errors.ts';

const MIB = 1_048_576;
const TEXT_LIMIT = MIB;
const EMAIL_LIMIT = 10 * MIB;
/** Where an email may come; `/api/messages/send` takes any type. */
const TAKES_EMAIL = /^\/api\/(messages\/(email|send)|webhooks\/email)/;

const rawBodies = new WeakMap<object, Buffer>();
const NOTHING = Buffer.alloc(0);

/** Reads JSON bodies; one over its limit is refused while it arrives. */
export function jsonBody(): RequestHandler {
  const keep = (request: object, _response: object, raw: Buffer) => {
    rawBodies.set(request, raw);
  };
  const text = express.json({ limit: TEXT_LIMIT, verify: keep });
  const email = express.json({ limit: EMAIL_LIMIT, verify: keep });
  return (request, response, next) => {
    const takesEmail = TAKES_EMAIL.test(request.path);
    (takesEmail ? email : text)(request, response, (error) => {
      if (error || !takesEmail || rawBodyOf(request).length <= TEXT_LIMIT || isEmail(request))
        return next(error);
      next(new PayloadTooLargeError(TEXT_LIMIT));
    });
  };
}

/** The body as it came over the wire. */
export function rawBodyOf(request: object): Buffer {
  return rawBodies.get(request) ?? NOTHING;
}

function isEmail({ path, body }: Request): boolean {
  if (!path.startsWith('/api/messages/send')) return true;
  return body?.type === 'email' || (body?.type === undefined && String(body?.from).includes('@'));
}

/**
 * Where a request has text that PostgreSQL cannot hold: a NUL character, or half of a surrogate pair. Neither gets
 * into JSON but by an escape, so most bodies need no second look.
 */
export function unstorableFaults(request: Request): Fault[] {
  return [
    ...(rawBodyOf(request).includes('\\u') ? unstorableText(request.body, '/body') : []),
    ...unstorableText(request.query, '/query'),
  ];
}

function unstorableText(value: unknown, path: string): Fault[] {
  if (typeof value === 'string') {
    if (value.includes('\0')) return [{ path, message: 'must not contain a NUL character' }];
    return value.isWellFormed() ? [] : [{ path, message: 'must be well-formed Unicode' }];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const itemPath = `${path}/${key}`;
    return [...unstorableText(key, path), ...unstorableText(item, itemPath)];
  });
}

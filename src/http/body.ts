import type { Request, RequestHandler } from 'express';
import getRawBody from 'raw-body';
import {
  InvalidRequestError,
  MalformedJsonError,
  PayloadTooLargeError,
  UnsupportedMediaTypeError,
} from '../errors.ts';
import type { OperationId } from '../openapi/types.ts';
import { operationOf } from './operation.ts';

const MIB = 1_048_576;
const TEXT_LIMIT = MIB;
const EMAIL_LIMIT = 10 * MIB;
/** Where an email may come; `sendMessage` takes any type. */
const TAKES_EMAIL = new Set<OperationId>(['sendMessage', 'sendEmail', 'receiveEmail', 'receiveEmailStatus']);
const MAX_DEPTH = 64;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-8"?\s*(?:;|$))/i;

const rawBodies = new WeakMap<object, Buffer>();
const NOTHING = Buffer.alloc(0);
const utf8 = new TextDecoder();

/** Reads a body that says it is signed, without which its signature cannot be checked. Nobody else's is read so early. */
export const signedBody: RequestHandler = async (request, _response, next) => {
  if (
    request.headers['webhook-signature'] !== undefined &&
    operationOf(request)?.security?.some((scheme) => 'webhookSignature' in scheme)
  )
    await readBody(request);
  next();
};

/** Reads and parses the body where the operation takes one; what is no JSON by its own word is the validator's to refuse. */
export const jsonBody: RequestHandler = async (request, _response, next) => {
  const type = request.headers['content-type'];
  if (type !== undefined && hasBody(request) && operationOf(request)?.requestBody && JSON_TYPE.test(type)) {
    if (OTHER_CHARSET.test(type)) throw new UnsupportedMediaTypeError('The body must be in UTF-8.');
    request.body = parse(rawBodies.get(request) ?? (await readBody(request)));
    assertSize(request);
    assertDepth(request.body);
  }
  next();
};

/** The body as it came over the wire. */
export function rawBodyOf(request: object): Buffer {
  return rawBodies.get(request) ?? NOTHING;
}

/** One over its limit is refused as soon as that is seen, at the latest while it arrives. */
async function readBody(request: Request): Promise<Buffer> {
  const { expect, 'content-length': length, 'content-encoding': encoding = 'identity' } = request.headers;
  const limit = limitOf(request);
  if (encoding.toLowerCase() !== 'identity')
    throw new UnsupportedMediaTypeError('The body must not be compressed.');
  if (Number(length) > limit) throw new PayloadTooLargeError(limit);
  if (expect !== undefined) request.res?.writeContinue();
  const raw = hasBody(request) ? await getRawBody(request, { length, limit }) : NOTHING;
  rawBodies.set(request, raw);
  return raw;
}

function limitOf(request: Request): number {
  const operation = operationOf(request);
  return operation && TAKES_EMAIL.has(operation.operationId) ? EMAIL_LIMIT : TEXT_LIMIT;
}

function hasBody({ headers }: Request): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function parse(raw: Buffer): object {
  if (raw.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(raw));
  } catch (cause) {
    throw new MalformedJsonError({ cause });
  }
  if (!isObject(value)) throw new MalformedJsonError();
  return value;
}

/** Whatever works on the body later, PostgreSQL among it, may go down into it without running out of stack. */
function assertDepth(body: object): void {
  let level: object[] = [body];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new InvalidRequestError([
        { path: '/body', message: `must not be nested more than ${MAX_DEPTH} deep` },
      ]);
    level = level.flatMap((value) => Object.values(value).filter(isObject));
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What `sendMessage` was sent is known to be an email, or not, only now. */
function assertSize(request: Request): void {
  if (rawBodyOf(request).length <= TEXT_LIMIT || operationOf(request)?.operationId !== 'sendMessage') return;
  const { type, from } = request.body;
  if (type === 'email' || (type === undefined && String(from).includes('@'))) return;
  throw new PayloadTooLargeError(TEXT_LIMIT);
}

import type { Request, RequestHandler } from 'express';
import {
  MalformedJsonError,
  PayloadTooLargeError,
  UnavailableError,
  UnsupportedMediaTypeError,
} from '../../errors.ts';
import { parseJson } from '../../openapi/bounded-json.ts';
import type { OperationId } from '../../openapi/types.ts';
import { operationOf } from '../contract/operation.ts';
import { stateOf } from '../request-state.ts';
import { BodyBudget, type Hold } from './body-budget.ts';
import { isStreamed, streamBody } from './stream-body.ts';

const MIB = 1_048_576;
const TEXT_LIMIT = MIB;
const EMAIL_LIMIT = 10 * MIB;
/** Operations whose body may be an email; `sendMessage` and `previewMessage` accept any type. */
const EMAIL_OPERATIONS = new Set<OperationId>([
  'sendMessage',
  'previewMessage',
  'sendEmail',
  'receiveEmail',
  'receiveEmailStatus',
]);
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const OTHER_CHARSET = /;\s*charset\s*=\s*(?!"?utf-?8"?\s*(?:;|$))/i;
/** The maximum total size of the bodies of webhooks, verified or not, until their responses are sent. */
const WEBHOOK_BYTES = 72 * MIB;
/** The part of it for emails that are stored as they are. Other webhooks always have the rest, because some providers do not repeat one. */
const MAIL_BYTES = 64 * MIB;
/** The part of it for the other webhooks, which may be parsed before their responses and then need several times their size. */
const DIRECT_BYTES = 24 * MIB;
/** The maximum total size of the bodies of clients, until their responses are sent. */
const CLIENT_BYTES = 24 * MIB;

const EMPTY = Buffer.alloc(0);

export interface Bodies {
  /**
   * Reads the body of a request whose sender is not verified yet.
   *
   * @param limit max bytes of an email that is to be stored; default: the limit of the operation.
   */
  readUnverified(request: Request, limit?: number): Promise<Buffer>;
  /** Middleware that reads and parses the body if the operation has one; the handler reads the body of an import. */
  json: RequestHandler;
}

/**
 * Reads request bodies within two limits: for one body, and for all bodies together. Webhooks, which anybody can send, use a separate
 * budget, so that they cannot block clients.
 *
 * @param emailAccounts the names of the email accounts, whose webhooks may have the size of an email.
 */
export function createBodies(emailAccounts: readonly string[]): Bodies {
  const limitOf = (request: Request) => (isEmail(request, emailAccounts) ? EMAIL_LIMIT : TEXT_LIMIT);
  const clients = new BodyBudget(CLIENT_BYTES);
  const webhooks = new BodyBudget(WEBHOOK_BYTES);
  const mail = new BodyBudget(MAIL_BYTES, webhooks);
  const direct = new BodyBudget(DIRECT_BYTES, webhooks);
  return {
    readUnverified: async (request, limit) => {
      const raw = await (limit === undefined
        ? read(request, direct, limitOf(request))
        : read(request, mail, limit));
      stateOf(request).rawBody = raw;
      return raw;
    },
    json: async (request, _response, next) => {
      if (isStreamed(request)) request.body = streamBody(request);
      const expectsBody = Boolean(operationOf(request)?.requestBody);
      if (expectsBody && stateOf(request).caller?.type !== 'provider') assertJson(request);
      if (expectsBody && hasBody(request)) {
        stateOf(request).rawBody ??= await read(request, clients, limitOf(request));
        const { value, values } = parse(request);
        request.body = value;
        stateOf(request).values = values;
        assertSize(request);
      } else if (expectsBody) request.body = {};
      // The validator compiles its schemas again for each new content type.
      if (expectsBody) request.headers['content-type'] = 'application/json';
      else delete request.headers['content-type'];
      next();
    },
  };
}

/** The bytes of the body as received; empty if no body was read. */
export function rawBodyOf(request: object): Buffer {
  return stateOf(request).rawBody ?? EMPTY;
}

/** An upper bound of the number of values in the body; 0 without a body. */
export function valuesIn(request: object): number {
  return stateOf(request).values;
}

/** Reads a whole body. Refuses a body over its limit because of its `Content-Length`, or while the body arrives. */
function read(request: Request, budget: BodyBudget, limit: number): Promise<Buffer> {
  const { expect, 'content-length': length, 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding.toLowerCase() !== 'identity')
    throw new UnsupportedMediaTypeError('The body must not be compressed.');
  if (Number(length) > limit) throw new PayloadTooLargeError(limit);
  if (expect !== undefined) {
    request.res?.writeContinue();
    delete request.headers.expect;
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = () => request.off('data', onData).off('end', onEnd).off('close', onClose);
    const fail = (error: Error) => {
      stop();
      held.release();
      reject(error);
    };
    const held = budget.begin(() => fail(overloaded()));
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) fail(new PayloadTooLargeError(limit));
      else if (held.add(chunk.length)) chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      held.complete();
      releaseAfter(request, held);
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    };
    const onClose = () => fail(new MalformedJsonError('The body is incomplete.'));
    request.on('data', onData).once('end', onEnd).once('close', onClose);
  });
}

/** Releases the bytes of a body when its response or its connection has ended. */
function releaseAfter({ res: response }: Request, held: Hold): void {
  if (!response || response.closed) held.release();
  else response.once('close', () => held.release());
}

function overloaded(): UnavailableError {
  return new UnavailableError('The service is overloaded.');
}

/** Whether the body may have the size of an email. */
function isEmail(request: Request, emailAccounts: readonly string[]): boolean {
  const id = operationOf(request)?.operationId;
  if (id === 'receiveWebhook') return emailAccounts.includes(`${request.params.account}`);
  return id !== undefined && EMAIL_OPERATIONS.has(id);
}

function hasBody({ headers }: Request): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Parses the body. A webhook with JSON may have any content type, because a refused webhook would lose its message. */
function parse(request: Request): ReturnType<typeof parseJson> {
  try {
    return parseJson(rawBodyOf(request));
  } catch (error) {
    if (error instanceof MalformedJsonError) assertJson(request);
    throw error;
  }
}

function assertJson({ headers: { 'content-type': type } }: Request): void {
  if (type === undefined)
    throw new UnsupportedMediaTypeError(
      'The header Content-Type is missing. The body must be application/json.',
    );
  if (!JSON_TYPE.test(type)) throw new UnsupportedMediaTypeError('The body must be application/json.');
  if (OTHER_CHARSET.test(type)) throw new UnsupportedMediaTypeError('The body must be in UTF-8.');
}

/** Checks the limit for a message of `sendMessage` that is not an email; the type is known only after parsing. */
function assertSize(request: Request): void {
  if (rawBodyOf(request).length <= TEXT_LIMIT || operationOf(request)?.operationId !== 'sendMessage') return;
  const { type, from } = request.body;
  // The body is not validated yet, so `from` may be any value.
  const isEmail = type === 'email' || (type === undefined && typeof from === 'string' && from.includes('@'));
  if (!isEmail) throw new PayloadTooLargeError(TEXT_LIMIT);
}

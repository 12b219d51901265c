import fc from 'fast-check';
import { request as send } from 'undici';
import { SCOPES } from '../../src/config/api-keys.ts';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { webhookSecret } from '../support/harness.ts';
import { arbitraryOf, type Known } from './arbitrary.ts';
import type { Operation, Parameter } from './contract.ts';

export interface Request {
  params: Record<string, string>;
  query: [string, string][];
  headers: Record<string, string>;
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  text?: string | Buffer;
  contentType?: string;
}
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}
/** `unscoped`: an API key with every scope except the scope of the operation. */
export type Credentials = 'right' | 'wrong' | 'unscoped' | 'none';

export const apiKey = 'correct-horse-battery';
const keyWithout = (scope: string) => `key-without-${scope}`;
/** The API keys of the service. */
export const apiKeys = [
  `conformance:${apiKey}`,
  ...SCOPES.map(
    (scope) => `limited:${keyWithout(scope)}:${SCOPES.filter((other) => other !== scope).join('+')}`,
  ),
].join();
/** The headers of a signature, which `perform` computes for each request. */
const OF_SIGNATURE = ['webhook-id', 'webhook-timestamp'];

/** Generates requests of this operation that are valid by its schemas; with the values of `known`, the service accepts them. */
export function requestOf({ parameters, body }: Operation, known: Known): fc.Arbitrary<Request> {
  const inPlace = (place: Parameter['in']) =>
    parameters.filter(
      (parameter) =>
        parameter.in === place &&
        !OF_SIGNATURE.includes(parameter.name) &&
        known[parameter.name] !== LEFT_OUT,
    );
  const values = (place: Parameter['in']) => {
    const found = inPlace(place);
    const model = found.map(({ name, schema }) => [name, known[name] ?? arbitraryOf(schema, known)]);
    const requiredKeys = found.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(model), { requiredKeys: requiredKeys as never }) as fc.Arbitrary<
      Record<string, unknown>
    >;
  };
  return fc
    .record({
      params: (known.params as fc.Arbitrary<Record<string, unknown>> | undefined) ?? values('path'),
      query: values('query'),
      headers: values('header'),
      body: body ? arbitraryOf(body.schema, known) : fc.constant(undefined),
    })
    .map(({ params, query, headers, body: content }) => ({
      params: texts(params),
      query: Object.entries(query).flatMap(([name, value]) =>
        [value].flat().map((item): [string, string] => [name, String(item)]),
      ),
      headers: texts(headers),
      ...(content !== undefined && { body: content }),
    }));
}

/** Marks a parameter that accepted requests do not have. */
export const LEFT_OUT: fc.Arbitrary<unknown> = fc.constant('left out');

const texts = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));

/** Sends the request with the credentials that the operation requires. */
export async function perform(
  url: string,
  operation: Operation,
  request: Request,
  credentials: Credentials = 'right',
): Promise<Answer> {
  const { method, path } = operation;
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(request.params[name] ?? ''));
  const query = request.query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  const body = request.text ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
  const {
    statusCode,
    headers,
    body: answer,
  } = await send(`${url}${filled}${query && `?${query}`}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
      ...credentialsFor(operation, credentials, request.headers, body ?? ''),
      ...request.headers,
    },
    ...(body !== undefined && { body }),
  });
  const text = isStream(headers) ? await firstOf(answer) : await answer.text();
  return { status: statusCode, headers, text };
}

const isStream = (headers: Answer['headers']) => /^text\/event-stream/.test(String(headers['content-type']));

/** The start of a response that does not end. */
async function firstOf(body: AsyncIterable<Buffer>): Promise<string> {
  for await (const chunk of body) return chunk.toString();
  return '';
}

function credentialsFor(
  { security, scope }: Operation,
  credentials: Credentials,
  given: Record<string, string>,
  body: string | Buffer,
): Record<string, string> {
  if (credentials === 'none' || security === null) return {};
  if (security === 'apiKey') {
    const keys = { right: apiKey, wrong: 'wrong-horse-battery', unscoped: keyWithout(scope ?? '') };
    return { authorization: `Bearer ${keys[credentials]}` };
  }
  const signed = credentials === 'right' ? body : `${body} `;
  const id = given['webhook-id'] ?? 'event-1';
  return sign(webhookSecret, id, Math.floor(Date.now() / 1_000), signed);
}

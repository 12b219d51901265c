import type { components, operations } from './schema.ts';

/** The operations of this service. Endpoints have those of `webhooks`. */
export type OperationId = Exclude<keyof operations, `on${string}Event`>;

/** A schema of the contract by its name. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

type JsonOf<T> = T extends { content: infer C } ? C[keyof C] : undefined;
type Parameters<Id extends OperationId> = operations[Id]['parameters'];
type LowerCased<T> = { [K in keyof T as Lowercase<K & string>]: T[K] };
type OrNothing<T> = [T] extends [undefined] ? Record<never, never> : NonNullable<T>;

/** A body that a handler reads while it arrives. */
export interface StreamedBody {
  contentType: string;
  /** The bytes of the body; null if they are not known before the body ends. */
  length: number | null;
  parts: AsyncIterable<Buffer>;
}

/** A CSV file, or a file of any type, is read while it arrives. */
type RequestBodyOf<Body> = Body extends { content: { 'text/csv': string } | { '*/*': string } }
  ? StreamedBody
  : JsonOf<Body>;

/** The validated input of a handler, without types of the HTTP library. Header names are in lower case. */
export interface OperationRequest<Id extends OperationId, Caller> {
  /** The caller that authentication identified. */
  caller: Caller;
  params: OrNothing<Parameters<Id>['path']>;
  query: OrNothing<Parameters<Id>['query']>;
  headers: LowerCased<OrNothing<Parameters<Id>['header']>>;
  body: RequestBodyOf<operations[Id] extends { requestBody: infer B } ? B : undefined>;
  reserve: Reserve;
  /** The trace context of the request (W3C Trace Context, version 00); null without one. */
  traceparent: string | null;
  /** Aborted when the connection of the request is closed. */
  signal: () => AbortSignal;
  /** The URL of the service in this request, such as `http://127.0.0.1:8080`; null if it is not known. */
  origin: () => string | null;
}

type Success = 200 | 201 | 202 | 204 | 206 | 304;
type Responses<Id extends OperationId> = operations[Id]['responses'];

/**
 * Waits until the response budget has this number of free bytes, and reserves them until the end of the response or the next
 * call. A handler calls this function before it reads large content.
 *
 * @throws {UnavailableError} if the service is overloaded.
 */
export type Reserve = (bytes: number) => Promise<void>;

/** The body of a response: text, an object that is sent as JSON, or for a stream the parts that are sent as they come. */
type BodyOf<Id, Response> = Response extends { content: object }
  ? Id extends InParts
    ? AsyncIterable<string | Buffer>
    : JsonOf<Response>
  : undefined;

/** Operations whose responses are sent in parts, because they have no end or need too much memory. */
type InParts =
  | 'getMediaContent'
  | 'streamEvents'
  | 'exportParticipant'
  | 'exportSuppressions'
  | 'importSuppressions';

/** The successful result of a handler. For all other responses, a handler throws an error of `errors.ts`. */
export type OperationResponse<Id extends OperationId> = {
  [Status in keyof Responses<Id> & Success]: {
    status: Status;
    headers?: Record<string, string>;
    body: BodyOf<Id, Responses<Id>[Status]>;
  };
}[keyof Responses<Id> & Success];

export type Handler<Id extends OperationId, Caller> = (
  request: OperationRequest<Id, Caller>,
) => Promise<OperationResponse<Id>>;

/** The `Idempotency-Key` of a request. Each API key name has its own key space. */
export interface IdempotencyKey {
  /** Empty if no API keys are configured. */
  apiKeyName: string;
  key: string;
}

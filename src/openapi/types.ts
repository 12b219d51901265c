import type { components, operations } from './schema.ts';

export type OperationId = keyof operations;

/** A schema of the contract by its name. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

type JsonOf<T> = T extends { content: infer C } ? C[keyof C] : undefined;
type Parameters<Id extends OperationId> = operations[Id]['parameters'];
type LowerCased<T> = { [K in keyof T as Lowercase<K & string>]: T[K] };
type OrNothing<T> = [T] extends [undefined] ? Record<never, never> : NonNullable<T>;

/** The input of a handler: validated, with nothing of the HTTP library in it. Header names are in lower case. */
export interface OperationRequest<Id extends OperationId, Caller> {
  /** Who makes the request, as authentication found it. */
  caller: Caller;
  params: OrNothing<Parameters<Id>['path']>;
  query: OrNothing<Parameters<Id>['query']>;
  headers: LowerCased<OrNothing<Parameters<Id>['header']>>;
  body: JsonOf<operations[Id] extends { requestBody: infer B } ? B : undefined>;
  reserve: Reserve;
  /** The URL by which the client reached the service, such as `http://127.0.0.1:8080`; null if it is not known. */
  origin: () => string | null;
}

type Success = 200 | 202 | 204;
type Responses<Id extends OperationId> = operations[Id]['responses'];

/**
 * Waits until the response may hold this number of bytes of content; the end of the response frees them. A handler calls
 * this function before it reads large content.
 *
 * @throws {UnavailableError} the service is overloaded.
 */
export type Reserve = (bytes: number) => Promise<void>;

/** What a handler answers when all went well; everything else is thrown as an error of `errors.ts`. */
export type OperationResponse<Id extends OperationId> = {
  [Status in keyof Responses<Id> & Success]: {
    status: Status;
    headers?: Record<string, string>;
    body: JsonOf<Responses<Id>[Status]>;
  };
}[keyof Responses<Id> & Success];

export type Handler<Id extends OperationId, Caller> = (
  request: OperationRequest<Id, Caller>,
) => Promise<OperationResponse<Id>>;

/** The `Idempotency-Key` of a request. Keys of one API key are separate from those of another. */
export interface IdempotencyKey {
  /** Empty where no API keys are configured. */
  apiKeyName: string;
  key: string;
}

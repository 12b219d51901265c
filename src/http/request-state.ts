import type { IncomingMessage } from 'node:http';
import type { Caller } from './auth/caller.ts';
import type { KnownKey } from './auth/keyring.ts';

/** Values of a request that one middleware sets for later middleware. */
export interface RequestState {
  /** The id of the request in its response and in the log. */
  id: string;
  /** Undefined before authentication. */
  caller: Caller | undefined;
  /** The API key of the caller; undefined without a key. */
  key: KnownKey | undefined;
  /** The bytes of the body as received; undefined before they are read. */
  rawBody: Buffer | undefined;
  /** Whether the handler reads the body while it arrives, without the limit of time of other requests. */
  isStreamed: boolean;
  /** Ends the reading of a streamed body: no more of the body can be received. */
  failBody: ((error: Error) => void) | undefined;
  /** An upper bound of the number of values in the body. */
  values: number;
}

const STATE = Symbol('state');

/** The state is a property of the request, because weak maps by request cost half as much CPU again in garbage collection. */
export function stateOf(request: object): RequestState {
  const holder = request as { [STATE]?: RequestState };
  holder[STATE] ??= {
    id: '',
    caller: undefined,
    key: undefined,
    rawBody: undefined,
    isStreamed: false,
    failBody: undefined,
    values: 0,
  };
  return holder[STATE];
}

/** The name of the API key of a request; undefined without a key. */
export function apiKeyName(request: object): string | undefined {
  const { caller } = stateOf(request);
  return caller?.type === 'api_key' ? (caller.name ?? undefined) : undefined;
}

const HOST = /^(?:[\w.-]+|\[[\da-f:]+\])(?::\d+)?$/i;

/** The origin of the service by the headers of a request, which a proxy with TLS may set. Null without a valid `Host`. */
export function originOf({ headers, socket }: IncomingMessage): string | null {
  const isSecure = 'encrypted' in socket || headers['x-forwarded-proto'] === 'https';
  return HOST.test(headers.host ?? '') ? `${isSecure ? 'https' : 'http'}://${headers.host}` : null;
}

import type { Caller } from './auth/caller.ts';
import type { Hold } from './middleware/body-budget.ts';

/** What the steps of a request learn for the steps after them. */
export interface RequestState {
  /** The id of the request in its response and in the log. */
  id: string;
  /** Undefined before authentication. */
  caller: Caller | undefined;
  /** The body as it came over the wire; undefined before it is read. */
  rawBody: Buffer | undefined;
  /** The share of the body in a budget. */
  hold: Hold | undefined;
  /** At least the number of values in the body. */
  values: number;
}

const STATE = Symbol('state');

/** A property of the request: weak maps from requests, one for each of these, took half as much CPU again in garbage collection. */
export function stateOf(request: object): RequestState {
  const holder = request as { [STATE]?: RequestState };
  holder[STATE] ??= { id: '', caller: undefined, rawBody: undefined, hold: undefined, values: 0 };
  return holder[STATE];
}

import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import type { components, paths } from './schema.ts';

export type { components, operations, paths } from './schema.ts';

export type Message = components['schemas']['Message'];
export type Conversation = components['schemas']['Conversation'];
export type Participant = components['schemas']['Participant'];
export type DeliveryAttempt = components['schemas']['DeliveryAttempt'];
export type Problem = components['schemas']['Problem'];

/** Every operation of the contract, typed by it. */
export type Client = FetchClient<paths>;

export interface ClientOptions {
  /** Where the service is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string;
  /** Used in place of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** A client with every operation of the contract, typed by it. */
export function createClient({ baseUrl, apiKey, fetch }: ClientOptions): Client {
  return createFetchClient<paths>({
    baseUrl,
    ...(fetch && { fetch }),
    ...(apiKey !== undefined && { headers: { authorization: `Bearer ${apiKey}` } }),
  });
}

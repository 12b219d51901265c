import { type Api, createApi, type RawClient } from './api.ts';
import type { Logger, LogLevel } from './logging.ts';
import { readApiKey, readBaseUrl } from './options.ts';
import { type Conversations, conversations } from './resources/conversations.ts';
import { type Endpoints, endpoints } from './resources/endpoints.ts';
import { type Erasures, erasures } from './resources/erasures.ts';
import { type Events, events } from './resources/events.ts';
import { type Media, media } from './resources/media.ts';
import { type MessagesWithWait, messagesWithWait } from './resources/messages-with-wait.ts';
import { type Participants, participants } from './resources/participants.ts';
import { type Suppressions, suppressions } from './resources/suppressions.ts';
import type { Fetch } from './transport.ts';

export interface ClientOptions {
  /**
   * The absolute URL of the service, for example `https://messaging.example.com`, including any path before `/api`. Default:
   * the environment variable `MESSAGING_BASE_URL`.
   */
  baseUrl?: string | URL | undefined;
  /** Sent as `Authorization: Bearer …`. Default: the environment variable `MESSAGING_API_KEY`. Null for no API key. */
  apiKey?: string | null | undefined;
  /** Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Timeout of each try in milliseconds. Default: 30,000. */
  timeout?: number | undefined;
  /** Maximum number of retries of a request. Default: 3. */
  maxRetries?: number | undefined;
  /** Maximum delay before the first retry in milliseconds, doubled for each further retry. Default: 500. */
  retryDelay?: number | undefined;
  /** Receives an entry for each request, retry and failure, without secrets, bodies and queries. Default: no logger. */
  logger?: Logger | undefined;
  /** The least severe level that the logger receives. Default: `info`. */
  logLevel?: LogLevel | 'off' | undefined;
}

/** Creates a resource of the client, for example `messages`. */
export type Resource<Methods> = (api: Api) => Methods;

/** A client with the given resources only. */
export type PartialClient<Resources> = {
  [Name in keyof Resources]: Resources[Name] extends Resource<infer Methods> ? Methods : never;
} & {
  /** Every operation of the contract by path, with the same API key, timeout and retries. */
  raw: RawClient;
};

export interface Client {
  messages: MessagesWithWait;
  conversations: Conversations;
  participants: Participants;
  erasures: Erasures;
  events: Events;
  endpoints: Endpoints;
  suppressions: Suppressions;
  media: Media;
  /** Every operation of the contract by path, with the same API key, timeout and retries. */
  raw: RawClient;
}

/**
 * Creates a client of the service. A client has no connections of its own and does not need to be closed.
 *
 * @throws {TypeError} if `baseUrl` or `apiKey` is invalid.
 */
export function createClient(options?: ClientOptions): Client {
  const resources = {
    messages: messagesWithWait,
    conversations,
    participants,
    erasures,
    events,
    endpoints,
    suppressions,
    media,
  };
  return createPartialClient(resources, options);
}

/**
 * Creates a client with some resources, for example `createPartialClient({ messages })`, so that a bundler omits the code of
 * the others.
 *
 * @throws {TypeError} if `baseUrl` or `apiKey` is invalid.
 */
export function createPartialClient<Resources extends Record<string, Resource<unknown>>>(
  resources: Resources,
  options: ClientOptions = {},
): PartialClient<Resources> {
  const { fetch = globalThis.fetch, logger, logLevel = 'info' } = options;
  const { timeout = 30_000, maxRetries = 3, retryDelay = 500 } = options;
  const apiKey = readApiKey(options.apiKey);
  const headers = { authorization: apiKey && `Bearer ${apiKey}` };
  const api = createApi(readBaseUrl(options.baseUrl), headers, {
    fetch,
    timeout,
    maxRetries,
    retryDelay,
    logger,
    logLevel,
  });
  const client: Record<string, unknown> = { raw: api.raw };
  for (const name in resources) client[name] = resources[name]?.(api);
  return client as PartialClient<Resources>;
}

import { createApi, type RawClient } from './api.ts';
import { assertApiKey, readBaseUrl } from './options.ts';
import { type Conversations, conversations } from './resources/conversations.ts';
import { type Messages, messages } from './resources/messages.ts';
import { type Participants, participants } from './resources/participants.ts';
import type { Fetch } from './transport.ts';

export interface ClientOptions {
  /** The absolute URL of the service, for example `https://messaging.example.com`, including any path before `/api`. */
  baseUrl: string | URL;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string | undefined;
  /** Default: the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Timeout of each try in milliseconds. Default: 30,000. */
  timeout?: number | undefined;
  /** Maximum number of retries of a request. Default: 3. */
  maxRetries?: number | undefined;
  /** Maximum delay before the first retry in milliseconds, doubled for each further retry. Default: 500. */
  retryDelay?: number | undefined;
}

export interface Client {
  messages: Messages;
  conversations: Conversations;
  participants: Participants;
  /** Every operation of the contract by path, with the same API key, timeout and retries. */
  raw: RawClient;
}

/**
 * Creates a client of the service at `baseUrl`. A client has no connections of its own and does not need to be closed.
 *
 * @throws {TypeError} if `baseUrl` or `apiKey` is invalid.
 */
export function createClient(options: ClientOptions): Client {
  const { apiKey, fetch = globalThis.fetch } = options;
  const { timeout = 30_000, maxRetries = 3, retryDelay = 500 } = options;
  const baseUrl = readBaseUrl(options.baseUrl);
  assertApiKey(apiKey);
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const api = createApi(baseUrl, headers, { fetch, timeout, maxRetries, retryDelay });
  return {
    messages: messages(api),
    conversations: conversations(api),
    participants: participants(api),
    raw: api.raw,
  };
}

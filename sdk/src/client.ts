import { createApi, type RawClient } from './api.ts';
import { assertApiKey, readBaseUrl } from './options.ts';
import { type Conversations, conversations } from './resources/conversations.ts';
import { type Messages, messages } from './resources/messages.ts';
import { type Participants, participants } from './resources/participants.ts';
import type { Fetch } from './transport.ts';

export interface ClientOptions {
  /** The service's URL, such as `https://messaging.example.com`: absolute, with a path where the service has one. */
  baseUrl: string | URL;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string | undefined;
  /** Used in place of the global `fetch`. */
  fetch?: Fetch | undefined;
  /** Milliseconds for each try of a request: 30,000 unless told. */
  timeout?: number | undefined;
  /** How often a request is made again at the most: 3 times unless told. */
  maxRetries?: number | undefined;
  /** Milliseconds that the first wait between two tries has at the most, twice as many the next: 500 unless told. */
  retryDelay?: number | undefined;
}

export interface Client {
  messages: Messages;
  conversations: Conversations;
  participants: Participants;
  /** Every operation of the contract by its path, with the same key, timeout and retries. */
  raw: RawClient;
}

/**
 * A client of the service at `baseUrl`. It holds nothing open, and can be kept for ever.
 *
 * @throws {TypeError} `baseUrl` or `apiKey` cannot be used.
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

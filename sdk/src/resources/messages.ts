import type { Api, RequestOptions, WriteOptions } from '../api.ts';
import type {
  AttemptFilters,
  AttemptPages,
  Message,
  MessageFilters,
  MessagePages,
  SendMessage,
} from '../types.ts';

export interface Messages {
  /** Accepts a message for delivery: `queued`, or `scheduled` with a `send_at` to come. */
  send(message: SendMessage, options?: WriteOptions): Promise<Message>;
  /** The message as it stands now. */
  get(id: number, options?: RequestOptions): Promise<Message>;
  /** Messages that fit all filters, the latest first; with `q`, a full-text search. */
  list(filters?: MessageFilters, options?: RequestOptions): MessagePages;
  /** Every call made to a provider for it, first to last; each page also has its `receipts` and `decisions`. */
  attempts(id: number, filters?: AttemptFilters, options?: RequestOptions): AttemptPages;
  /** A scheduled message, or a queued one that no provider can have, is never sent. @throws {ConflictError} */
  cancel(id: number, options?: WriteOptions): Promise<Message>;
  /** A message that failed is sent again; of an `unknown` one you decide that it was not sent. @throws {ConflictError} */
  retry(id: number, options?: WriteOptions): Promise<Message>;
}

export const messages = ({ raw, call, list }: Api): Messages => ({
  send: (body, options) => call(options, (init) => raw.POST('/api/messages/send', { ...init, body })),
  get: (id, options) =>
    call(options, (init) => raw.GET('/api/messages/{id}', { ...init, params: { path: { id } } })),
  list: (filters = {}, options) =>
    list(options, filters.cursor, (init, cursor) =>
      raw.GET('/api/messages', { ...init, params: { query: { ...filters, ...cursor } } }),
    ),
  attempts: (id, filters = {}, options) =>
    list(options, filters.cursor, (init, cursor) =>
      raw.GET('/api/messages/{id}/attempts', {
        ...init,
        params: { path: { id }, query: { ...filters, ...cursor } },
      }),
    ),
  cancel: (id, options) =>
    call(options, (init) => raw.POST('/api/messages/{id}/cancel', { ...init, params: { path: { id } } })),
  retry: (id, options) =>
    call(options, (init) => raw.POST('/api/messages/{id}/retry', { ...init, params: { path: { id } } })),
});

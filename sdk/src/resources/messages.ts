import type { Api, RequestOptions, WriteOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type {
  AttemptFilters,
  AttemptPages,
  Message,
  MessageFilters,
  MessagePages,
  SendMessage,
  TimelineFilters,
  TimelinePages,
} from '../types.ts';

export interface Messages {
  /** Sends a message. Its status is `queued`, or `scheduled` with a future `send_at`. */
  send(message: SendMessage, options?: WriteOptions): ApiPromise<Message>;
  /** The message with its current status. */
  get(id: number, options?: RequestOptions): ApiPromise<Message>;
  /** Messages that match all filters, newest first. `q` is a full-text search. */
  list(filters?: MessageFilters, options?: RequestOptions): MessagePages;
  /** The calls to providers for the message, in order. */
  attempts(id: number, filters?: AttemptFilters, options?: RequestOptions): AttemptPages;
  /** Status changes, attempts, receipts and manual actions, oldest first. */
  timeline(id: number, filters?: TimelineFilters, options?: RequestOptions): TimelinePages;
  /** Cancels a message that is scheduled, or queued and certainly not sent. @throws {ConflictError} */
  cancel(id: number, options?: WriteOptions): ApiPromise<Message>;
  /** Sends a failed message again, or an `unknown` message that you know was not sent. @throws {ConflictError} */
  retry(id: number, options?: WriteOptions): ApiPromise<Message>;
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
  timeline: (id, filters = {}, options) =>
    list(options, filters.cursor, (init, cursor) =>
      raw.GET('/api/messages/{id}/timeline', {
        ...init,
        params: { path: { id }, query: { ...filters, ...cursor } },
      }),
    ),
  cancel: (id, options) =>
    call(options, (init) => raw.POST('/api/messages/{id}/cancel', { ...init, params: { path: { id } } })),
  retry: (id, options) =>
    call(options, (init) => raw.POST('/api/messages/{id}/retry', { ...init, params: { path: { id } } })),
});

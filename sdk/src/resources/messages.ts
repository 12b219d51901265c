import { type Api, byId, type RequestOptions, type WriteOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type {
  AttemptFilters,
  AttemptPages,
  Message,
  MessageFilters,
  MessagePages,
  MessagePreview,
  SendMessage,
  TimelineFilters,
  TimelinePages,
} from '../types.ts';

export interface Messages {
  /** Sends a message. Its status is `queued`, or `scheduled` with a future `send_at`. */
  send(message: SendMessage, options?: WriteOptions): ApiPromise<Message>;
  /** What a send of this message would do now: its errors, segments, account and suppressed recipients. Stores nothing. */
  preview(message: SendMessage, options?: RequestOptions): ApiPromise<MessagePreview>;
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
  /** Erases the content of a message that is not to be sent any more. @throws {ConflictError} */
  redact(id: number, options?: WriteOptions): ApiPromise<Message>;
}

export const messages = ({ call, list }: Api): Messages => ({
  send: (body, options) => call('POST', '/api/messages/send', { body }, options),
  preview: (body, options) => call('POST', '/api/messages/preview', { body }, options),
  get: (id, options) => call('GET', '/api/messages/{id}', byId(id), options),
  list: (query = {}, options) => list('/api/messages', { query }, options),
  attempts: (id, query = {}, options) =>
    list('/api/messages/{id}/attempts', { path: { id }, query }, options),
  timeline: (id, query = {}, options) =>
    list('/api/messages/{id}/timeline', { path: { id }, query }, options),
  cancel: (id, options) => call('POST', '/api/messages/{id}/cancel', byId(id), options),
  retry: (id, options) => call('POST', '/api/messages/{id}/retry', byId(id), options),
  redact: (id, options) => call('POST', '/api/messages/{id}/redact', byId(id), options),
});

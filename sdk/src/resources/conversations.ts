import { type Api, byId, type RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type {
  Conversation,
  ConversationFilters,
  ConversationMessageFilters,
  ConversationPages,
  ConversationUpdate,
  MessagePages,
} from '../types.ts';

export interface Conversations {
  /** Conversations that match all filters, most recently active first. */
  list(filters?: ConversationFilters, options?: RequestOptions): ConversationPages;
  /** The conversation with its participants and an excerpt of its last message. */
  get(id: number, options?: RequestOptions): ApiPromise<Conversation>;
  /** Changes the given fields only; `external_id: null` removes it. @throws {ConflictError} if another conversation has the id. */
  update(id: number, changes: ConversationUpdate, options?: RequestOptions): ApiPromise<Conversation>;
  /** The messages of a conversation in the order of recording. Polling with `after_id` never skips a message. */
  messages(id: number, filters?: ConversationMessageFilters, options?: RequestOptions): MessagePages;
}

export const conversations = ({ call, list }: Api): Conversations => ({
  list: (query = {}, options) => list('/api/conversations', { query }, options),
  get: (id, options) => call('GET', '/api/conversations/{id}', byId(id), options),
  update: (id, body, options) => call('PATCH', '/api/conversations/{id}', { ...byId(id), body }, options),
  messages: (id, query = {}, options) =>
    list('/api/conversations/{id}/messages', { path: { id }, query }, options),
});

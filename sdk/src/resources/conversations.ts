import type { Api, RequestOptions } from '../api.ts';
import type { ApiPromise } from '../api-promise.ts';
import type {
  Conversation,
  ConversationFilters,
  ConversationMessageFilters,
  ConversationPages,
  MessagePages,
} from '../types.ts';

export interface Conversations {
  /** Conversations that match all filters, most recently active first. */
  list(filters?: ConversationFilters, options?: RequestOptions): ConversationPages;
  /** The conversation with its participants and an excerpt of its last message. */
  get(id: number, options?: RequestOptions): ApiPromise<Conversation>;
  /** The messages of a conversation in the order of recording. Polling with `after_id` never skips a message. */
  messages(id: number, filters?: ConversationMessageFilters, options?: RequestOptions): MessagePages;
}

export const conversations = ({ raw, call, list }: Api): Conversations => ({
  list: (filters = {}, options) =>
    list(options, filters.cursor, (init, cursor) =>
      raw.GET('/api/conversations', { ...init, params: { query: { ...filters, ...cursor } } }),
    ),
  get: (id, options) =>
    call(options, (init) => raw.GET('/api/conversations/{id}', { ...init, params: { path: { id } } })),
  messages: (id, filters = {}, options) =>
    list(options, filters.cursor, (init, cursor) =>
      raw.GET('/api/conversations/{id}/messages', {
        ...init,
        params: { path: { id }, query: { ...filters, ...cursor } },
      }),
    ),
});

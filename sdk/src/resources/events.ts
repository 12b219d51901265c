import type { Api, RequestOptions } from '../api.ts';
import { type EventStream, type EventStreamOptions, stream } from '../events/stream.ts';
import { unwrapEvent, type WebhookEvent, type WebhookRequest } from '../events/unwrap.ts';
import type { EventFilters, EventPages, EventType } from '../types.ts';
import type { SignedWebhook } from '../webhooks.ts';

export interface Events {
  /** Events after a position, in the order of positions. `position` of a page is the position up to which events were read. */
  list(filters?: EventFilters, options?: RequestOptions): EventPages;
  /**
   * Events as they happen, each once and in order, also after lost connections. The first request is made when the iteration
   * starts. Without `after`, the stream starts at the end of the feed.
   *
   * @throws {PositionExpiredError} from the iteration, if events after the position are not kept any more.
   * @throws {ApiError} from the iteration, for example without the scope `read`.
   */
  stream<Type extends EventType = EventType>(options?: EventStreamOptions<Type>): EventStream<Type>;
  /** Verifies a request to an endpoint, and returns its event. @throws {WebhookVerificationError} */
  unwrap(request: WebhookRequest, secret: SignedWebhook['secret']): Promise<WebhookEvent>;
}

export const events = (api: Api): Events => ({
  list: (query = {}, options) => api.list('/api/events', { query }, options, 'after'),
  stream: (options) => stream(api, options),
  unwrap: unwrapEvent,
});

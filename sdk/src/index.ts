export type { Api, RawClient, RequestOptions, WriteOptions } from './api.ts';
export type { ApiPromise, WithRequestId, WithResponse } from './api-promise.ts';
export {
  type Client,
  type ClientOptions,
  createClient,
  createPartialClient,
  type PartialClient,
  type Resource,
} from './client.ts';
export {
  ApiError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  type Fault,
  InvalidRequestError,
  MessagingError,
  NotFoundError,
  type Problem,
  RateLimitError,
  TimeoutError,
  UnavailableError,
} from './errors.ts';
export {
  type EventStream,
  type EventStreamOptions,
  PositionExpiredError,
} from './events/stream.ts';
export { unwrapEvent, type WebhookEvent, type WebhookRequest } from './events/unwrap.ts';
export { DeliveryError, type WaitOptions } from './events/wait.ts';
export type { FileContent } from './files.ts';
export type { LogDetails, Logger, LogLevel } from './logging.ts';
export type { List, Page, Pages, Paging } from './pagination.ts';
export { type Conversations, conversations } from './resources/conversations.ts';
export { type Endpoints, endpoints } from './resources/endpoints.ts';
export { type Erasures, erasures } from './resources/erasures.ts';
export { type Events, events } from './resources/events.ts';
export {
  type DownloadOptions,
  type Media,
  media,
  type UploadOptions,
} from './resources/media.ts';
export { type Messages, messages } from './resources/messages.ts';
export { type MessagesWithWait, messagesWithWait } from './resources/messages-with-wait.ts';
export { type Participants, participants } from './resources/participants.ts';
export { type Suppressions, suppressions } from './resources/suppressions.ts';
export type { components, operations, paths } from './schema.ts';
export type { Fetch } from './transport.ts';
export type * from './types.ts';
export {
  type SignedWebhook,
  verifyWebhook,
  type Webhook,
  type WebhookFault,
  type WebhookHeaders,
  WebhookVerificationError,
} from './webhooks.ts';

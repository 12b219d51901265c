export type { RawClient, RequestOptions, WriteOptions } from './api.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
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
export type { List, Page, Pages, Paging } from './pagination.ts';
export type { Conversations } from './resources/conversations.ts';
export type { Messages } from './resources/messages.ts';
export type { Participants } from './resources/participants.ts';
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

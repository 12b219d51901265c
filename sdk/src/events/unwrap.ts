import type { EndpointTestEvent, MessagingEvent } from '../types.ts';
import { type SignedWebhook, verifyWebhook, type WebhookHeaders } from '../webhooks.ts';

/** A request with its raw body: the `Request` of any library, or an object with headers and a body that was read. */
export type WebhookRequest =
  | { headers: WebhookHeaders; arrayBuffer(): Promise<ArrayBuffer> }
  | Pick<SignedWebhook, 'headers' | 'body'>;

/** An event of the feed, or the event of `endpoints.test`. */
export type WebhookEvent = MessagingEvent | EndpointTestEvent;

/**
 * Verifies a request to an endpoint by Standard Webhooks, and returns its event.
 *
 * @param secret of the endpoint. Several secrets during a rotation.
 * @throws {WebhookVerificationError} if the request is not authentic.
 * @throws {TypeError} if the body is not raw, for example parsed by a middleware.
 */
export async function unwrapEvent(
  request: WebhookRequest,
  secret: SignedWebhook['secret'],
  options: Pick<SignedWebhook, 'tolerance' | 'now'> = {},
): Promise<WebhookEvent> {
  const body = 'arrayBuffer' in request ? await request.arrayBuffer() : request.body;
  return (await verifyWebhook<WebhookEvent>({ ...options, headers: request.headers, body, secret })).payload;
}

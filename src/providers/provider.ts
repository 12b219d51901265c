import type { Channel } from '../channel.ts';
import type { Message } from '../db/models/message.ts';

/** The parts of a message that a provider receives. */
export type Outgoing = Pick<
  Message,
  'id' | 'type' | 'from' | 'to' | 'cc' | 'bcc' | 'reply_to' | 'subject' | 'body' | 'attachments' | 'timestamp'
> & {
  /** The same in every attempt to send this message. */
  delivery_key: string;
};

interface Failure {
  httpStatus: number | null;
  code: string;
  detail: string;
}

/** The outcome of an attempt, which alone determines the next state of the delivery. */
export type SendOutcome =
  | { outcome: 'accepted'; httpStatus: number | null; providerMessageId: string }
  /** The message is at fault; another attempt would fail in the same way. */
  | (Failure & { outcome: 'rejected' })
  /** The provider limits the rate; the message was not accepted. */
  | (Failure & { outcome: 'throttled'; retryAfterMs: number | null })
  /** The message was certainly not processed: the request was not sent, or the response says so. */
  | (Failure & { outcome: 'unavailable'; retryAfterMs: number | null })
  /** The message may have been accepted. */
  | (Failure & { outcome: 'unknown' });

/** The result of looking a message up. */
export type LookUp = { found: true; providerMessageId: string } | { found: false } | 'cannot tell';

export interface CallOptions {
  /** Makes one request only; otherwise a call may repeat its request after a short delay. */
  once: boolean;
  /** Whether an earlier attempt may have succeeded, so that the provider may still process a request with the same key. */
  repeated: boolean;
  /** Aborts the call; the outcome of a request that was sent is `unknown` then. */
  signal: AbortSignal;
}

/** An account at a provider. `send` and `lookUp` never throw. */
export interface Provider {
  readonly name: string;
  readonly channel: Channel;
  /** Whether the provider sends the message of one idempotency key at most once. */
  readonly supportsIdempotencyKeys: boolean;
  /** Whether an unknown outcome can be resolved, by an idempotent repeat or by look-up. */
  readonly canReconcile: boolean;
  /** Max messages per second, for all workers together; null for no limit. */
  readonly perSecond: number | null;
  /** Max messages per second for each sender number or address; null for no limit. */
  readonly perSecondPerSender: number | null;
  send(message: Outgoing, options: CallOptions): Promise<SendOutcome>;
  lookUp(deliveryKey: string, options: CallOptions): Promise<LookUp>;
}

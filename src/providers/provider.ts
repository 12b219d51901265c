import type { Channel } from '../channel.ts';
import type { Message } from '../db/models/message.ts';

/** What a provider is given of a message. */
export type Outgoing = Pick<
  Message,
  'id' | 'type' | 'from' | 'to' | 'cc' | 'bcc' | 'reply_to' | 'subject' | 'body' | 'attachments' | 'timestamp'
> & {
  /** The same in every try to send this message. */
  delivery_key: string;
};

interface Failure {
  httpStatus: number | null;
  code: string;
  detail: string;
}

/** How a try to send ended; everything that happens next follows from it. */
export type SendOutcome =
  | { outcome: 'accepted'; httpStatus: number | null; providerMessageId: string }
  /** The message is at fault; no further try will help. */
  | (Failure & { outcome: 'rejected' })
  /** The provider asks for less; the message was not taken and no attempt is used up. */
  | (Failure & { outcome: 'throttled'; retryAfterMs: number | null })
  /** The message was not processed: the request never left, or its status says so (`status-outcomes.ts`). */
  | (Failure & { outcome: 'unavailable'; retryAfterMs: number | null })
  /** The message may have been taken. */
  | (Failure & { outcome: 'unknown' });

/** What the provider says of a message that it may have. */
export type LookUp = { found: true; providerMessageId: string } | { found: false } | 'cannot tell';

export interface CallOptions {
  /** One request and no more, where a call may otherwise repeat itself after a moment. */
  once: boolean;
  /** Whether an earlier attempt may have been taken, so that a request with the same key may be at work. */
  repeated: boolean;
  /** Cuts the call; what became of a request that had left is unknown then. */
  signal: AbortSignal;
}

/** A company that carries messages. Neither function ever throws. */
export interface Provider {
  readonly name: string;
  readonly channel: Channel;
  /** Whether it drops repeats of one key. */
  readonly supportsIdempotencyKeys: boolean;
  /** Whether it can be found out what became of an uncertain send: by repeating it, or by asking. */
  readonly canReconcile: boolean;
  /** Messages a second at the most, by all workers together; null for no limit. */
  readonly perSecond: number | null;
  /** The same for each number or address that messages are sent from. */
  readonly perSecondPerSender: number | null;
  send(message: Outgoing, options: CallOptions): Promise<SendOutcome>;
  lookUp(deliveryKey: string, options: CallOptions): Promise<LookUp>;
}

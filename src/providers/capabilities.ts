/**
 * What an account can send, and what its provider guarantees. The channels of a kind are in its `KindConfig`. A message that
 * needs a capability that no account has is refused on submission (`eligibility.ts`).
 */
export interface Capabilities {
  /** Whether a text can have attachments. */
  readonly mms: boolean;
  /** Max recipients of one message, with its copies; 1: no group messages, null: no limit of the provider. */
  readonly maxRecipients: number | null;
  /** Max characters of a text; null: no limit of the provider. */
  readonly maxTextLength: number | null;
  /** Max segments of an SMS; null: no limit of the provider. */
  readonly maxSegments: number | null;
  /** Whether an email can have `cc` and `bcc`. */
  readonly copies: boolean;
  /** How attachments are passed: as a URL that the provider fetches, or as content. */
  readonly attachmentsBy: readonly ('url' | 'content')[];
  /** Max attachments of one message; null: no limit of the provider. */
  readonly maxAttachments: number | null;
  /** Max bytes of all attachments of one message together; null: no limit of the provider. */
  readonly maxMediaBytes: number | null;
  /** The content types that the provider sends, in lower case, with the max bytes of one file; null: every type. */
  readonly mediaTypes: ReadonlyMap<string, number> | null;
  /** Whether the provider sends the message of one idempotency key at most once. */
  readonly idempotencyKeys: boolean;
  /** How long a key is valid, in hours: a later repeat would be another message. Default: no limit. */
  readonly idempotencyKeyHours?: number;
  /**
   * How a message is looked up. `by_key`: by its delivery key, so that a message that is not found was not accepted, and an
   * inconclusive look-up is repeated. `by_circumstances`: by sender, recipient, time and text, once, because equal messages
   * look the same; a look-up that fails is repeated. Null: no look-up.
   */
  readonly lookUp: 'by_key' | 'by_circumstances' | null;
  /** Whether the provider reports what happened to a message after it was accepted. */
  readonly receipts: boolean;
  /** Whether callbacks return a text of the service, which finds the message before its provider id is known (`echo.ts`). */
  readonly echo: boolean;
}

/** Whether an unknown outcome can be resolved, by an idempotent repeat or by look-up. */
export function canReconcile({ idempotencyKeys, lookUp }: Capabilities): boolean {
  return idempotencyKeys || lookUp !== null;
}

import type { Message } from '../db/models/message.ts';

/** A file of a message. */
export interface OutgoingFile {
  /** Where the provider fetches the file. The same in every attempt to send this message with one delivery key. */
  url: string;
  /** Without parameters, in lower case; null if it is not known. */
  contentType: string | null;
  /** In bytes; null if it is not known. */
  size: number | null;
  name: string | null;
  /** Without angle brackets, for a file that the HTML of an email shows; null for an attachment. */
  contentId: string | null;
  /** The bytes, for an account that takes attachments by content only; otherwise null. */
  content: Buffer | null;
}

/** The parts of an email that texts do not have. */
export interface OutgoingEmail {
  /** Null only if the email has no HTML and an empty text is not sent. HTML always has a text part too. */
  text: string | null;
  html: string | null;
  /** The Message-ID of the service, without angle brackets; the same in every attempt. */
  messageId: string;
  /** The Message-ID on the wire of the email that this email answers, without angle brackets. */
  inReplyTo: string | null;
  /** For `References`, without angle brackets, oldest first. */
  references: readonly string[];
  /** Further headers that the client gave: names as given, values in one line. */
  headers: Readonly<Record<string, string>>;
  /** The display names of addresses of `from`, `to`, `cc` and `reply_to`, by address. */
  names: Readonly<Record<string, string>>;
  /**
   * The recipients of this call: those of `to`, `cc` and `bcc`, without those whom an earlier call has reached. The headers name
   * all of `to` and `cc`, and never `bcc`.
   */
  envelope: readonly string[];
}

/** The parts of a message that a provider receives. */
export type Outgoing = Pick<
  Message,
  'id' | 'type' | 'from' | 'to' | 'cc' | 'bcc' | 'reply_to' | 'subject' | 'body' | 'timestamp'
> & {
  created_at: Date;
  /** The same in every attempt to send this message. */
  delivery_key: string;
  /** The files by URL, then the stored files. */
  files: readonly OutgoingFile[];
  /** Null for a text. */
  email: OutgoingEmail | null;
};

/** The parts of a message by which a look-up can find it. */
export type LookedUp = Omit<Outgoing, 'files' | 'email'>;

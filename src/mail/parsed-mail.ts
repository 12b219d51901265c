/** A part of an email that is a file. */
export interface MailFile {
  name: string | null;
  /** Without parameters, in lower case; null if it is not declared. */
  contentType: string | null;
  /** Without angle brackets; null if the part has none. */
  contentId: string | null;
  /** `inline`: the HTML shows the file by its content id. */
  disposition: 'inline' | 'attachment';
  content: Buffer;
}

/** An email as its MIME parts say. Texts are decoded; addresses are header texts, as they were written. */
export interface ParsedMail {
  from: string | null;
  to: readonly string[];
  cc: readonly string[];
  replyTo: string | null;
  subject: string | null;
  /** The `Date` header as it was written. */
  date: string | null;
  /** The `Message-ID` without angle brackets. */
  messageId: string | null;
  /** The message ids of `In-Reply-To`, without angle brackets. */
  inReplyTo: readonly string[];
  /** The message ids of `References`, without angle brackets, in their order. */
  references: readonly string[];
  /** All headers in their order, with names in lower case and decoded values. */
  headers: readonly { name: string; value: string }[];
  text: string | null;
  html: string | null;
  files: readonly MailFile[];
}

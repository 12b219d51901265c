import { Model } from 'objection';
import type { Schema } from '../../openapi/types.ts';

/** The name, the type and the content id that a client gave the file behind a URL. */
export interface UrlFile {
  filename?: string;
  content_type?: string;
  content_id?: string;
}

/** The parts of an email that texts do not have. */
export class Email extends Model {
  static override tableName = 'emails';
  static override idColumn = 'message_id';

  declare message_id: number;
  /** Whether the body of the message is HTML; `text` is the text part beside it, null if it is made from the HTML. */
  declare is_html: boolean;
  declare text: string | null;
  declare stripped_text: string | null;
  /**
   * Outbound: the headers that the client gave, and those of the link to unsubscribe. Inbound: the useful ones, with names in lower
   * case.
   */
  declare headers: Record<string, string> | null;
  /** The display names of an outbound email, by address. */
  declare names: Record<string, string> | null;
  /** For each URL in `attachments` of the message, what the client gave about its file. */
  declare url_files: (UrlFile | null)[] | null;
  /** The Message-ID of the service, or that of an inbound email, without angle brackets. */
  declare internet_message_id: string | null;
  /** The Message-ID by which the provider replaced that of the service. */
  declare wire_message_id: string | null;
  declare in_reply_to_id: number | null;
  /** Of an inbound email, what the References of an answer begin with, oldest first (`chainOf`). */
  declare reference_ids: string[] | null;
  /** The envelope recipients of an inbound email. */
  declare delivered_to: string[] | null;
  declare auto_reply: boolean | null;
  declare spam: Schema<'SpamReport'> | null;
  declare raw_media_id: number | null;
  /** Names the email in its link to unsubscribe; null without such a link. */
  declare unsubscribe_key: string | null;
}

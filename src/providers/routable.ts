import type { Message } from '../db/models/message.ts';
import type { Outgoing } from './outgoing.ts';

/** A stored file of a message. */
export interface StoredFile {
  id: number;
  /** Without parameters, in lower case. */
  content_type: string;
  /** In bytes. */
  size: number;
  /** The part of the request that names or has the file; absent in a delivery, whose message was checked on submission. */
  path?: string;
}

/** The parts of a message that decide which accounts can send it. */
export type Routable = Pick<Outgoing, 'type' | 'from' | 'to' | 'cc' | 'bcc' | 'body'> &
  Pick<Message, 'attachments' | 'segments'> & {
    /** The files of `media_ids`; null if there are none. */
    media: readonly StoredFile[] | null;
    /** The files that were fetched from URLs in `attachments`, as far as they are known. */
    fetched?: readonly Pick<StoredFile, 'size'>[] | null;
    /** Whether providers can fetch the stored files by links; default: true. */
    hasLinks?: boolean;
  };

/** A capability that a message needs and an account does not have. */
export interface Missing {
  /** The part of the request that needs the capability. */
  path: string;
  need: string;
  limit: string;
  /** What the client or the operator can do instead. */
  alternative: string;
}

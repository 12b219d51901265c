import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import type { StoredReceipt } from '../../delivery/receipts.ts';
import type { MediaStore } from '../../media/store.ts';
import { nameSender } from '../../messaging/people/sender-name.ts';
import type { Recorded } from '../../messaging/recording/new-message.ts';
import type { Recorder } from '../../messaging/recording/record.ts';
import type { Reserve } from '../../openapi/types.ts';
import type { InboundContent, InboundMail, ReceiptContent } from '../../providers/webhook.ts';
import { bounceReceipts } from './bounces.ts';
import { removeFiles, storeFiles } from './files.ts';
import { type MailMessageOptions, mailboxesOf, mailMessage, withFiles } from './message.ts';
import { mailReader } from './reading/reader.ts';
import { findAnswered } from './thread.ts';

export interface MailRecorderOptions extends MailMessageOptions {
  pool: pg.Pool;
  store: MediaStore;
  recorder: Recorder;
  recordReceipt: (account: string, content: ReceiptContent) => Promise<StoredReceipt>;
}

/** A recorded email, and the receipts that it is as a bounce. */
export interface RecordedMail {
  message: Recorded['message'];
  receipts: StoredReceipt[];
}

/** An inbound message that is an email. */
export type MailContent = InboundContent & { mail: InboundMail };

export type RecordMail = (account: string, content: MailContent, reserve: Reserve) => Promise<RecordedMail>;

const FIND = {
  name: 'find-inbound-email',
  text: `select from messages where provider = $1 and provider_message_id = $2 and direction = 'inbound'`,
};

/** A further copy, for another of our mailboxes. */
const ADD_MAILBOXES = {
  name: 'add-mailboxes',
  text: `
    update emails set delivered_to = coalesce(delivered_to, '{}')
      || array(select mailbox from unnest($2::text[]) as mailbox where mailbox <> all(coalesce(delivered_to, '{}')))
    where message_id = $1 and not coalesce(delivered_to, '{}') @> $2`,
};

/**
 * Creates the function that records emails. A message is recorded once it is whole: after its files are stored.
 *
 * @throws {UnreadableMailError} if an email cannot be read.
 */
export function createMailRecorder(options: MailRecorderOptions): RecordMail {
  const { pool, recorder, recordReceipt } = options;
  return async (account, content, reserve) => {
    const email = await mailReader.read(content.mail);
    const { mail, identity } = email;
    const raw = 'raw' in content.mail.content ? content.mail.content.raw : null;
    const answered = await findAnswered(pool, mail);
    const message = mailMessage(options, account, content, { email, answered });
    const isRepeat = (await execute(pool, FIND, [account, identity])).rowCount !== 0;
    const files = isRepeat ? null : await storeFiles(options, account, mail, raw);
    const record = async () => {
      try {
        const recorded = await recorder.record(files ? withFiles(message, files) : message, reserve);
        if (recorded.repeated && files) await removeFiles(options, files);
        const mailboxes = mailboxesOf(options, content.mail);
        if (recorded.repeated && mailboxes)
          await execute(pool, ADD_MAILBOXES, [recorded.message.id, mailboxes]);
        return recorded.message;
      } catch (error) {
        if (files) await removeFiles(options, files);
        throw error;
      }
    };
    const recorded = await record();
    await nameSender(pool, options.parseAddress, message, mail.from);
    // After the message: a fault of a receipt must not prevent it, and the next attempt finds it recorded.
    const receipts: StoredReceipt[] = [];
    const bounces = await bounceReceipts(options, mail, identity, content.mail.envelopeFrom);
    for (const { account: sender, content: receipt } of bounces)
      receipts.push(await recordReceipt(sender, receipt));
    return { message: recorded, receipts };
  };
}

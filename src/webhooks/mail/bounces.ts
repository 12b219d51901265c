import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { bounceIn, type FailedRecipient } from '../../mail/bounce.ts';
import type { ParsedMail } from '../../mail/parsed-mail.ts';
import { toStorable } from '../../messaging/storable.ts';
import type { Provider } from '../../providers/provider.ts';
import type { InboundMail, ReceiptContent } from '../../providers/webhook.ts';
import { plausibleDate } from './date.ts';

/** Servers try to deliver an email for at most five days (RFC 5321, section 4.5.4.1). */
const MAX_DAYS = 10;

/** The message of ours that bounced, as its account knows it. */
const FIND = {
  name: 'find-bounced-email',
  text: `
    select deliveries.provider, deliveries.provider_message_id,
      cardinality("to") + coalesce(cardinality(cc), 0) + coalesce(cardinality(bcc), 0) as recipient_count,
      exists (select from emails where in_reply_to_id = deliveries.message_id and not coalesce(auto_reply, false)) as is_answered
    from email_message_ids join deliveries using (message_id) join messages on messages.id = message_id
    where internet_message_id = any($1) and deliveries.provider = any($2)
      and deliveries.provider_message_id is not null
      and statement_timestamp() <= expires_at + ${MAX_DAYS} * interval '1 day'
    order by message_id desc limit 1`,
};

interface Sent extends pg.QueryResultRow {
  provider: string;
  provider_message_id: string;
  recipient_count: number;
  /** Whether a person has answered the message, so that its recipient exists, and others may have its Message-ID from the answer. */
  is_answered: boolean;
}

/** A receipt for the account that sent the message. */
export interface BounceReceipt {
  account: string;
  content: ReceiptContent;
}

export interface BounceOptions {
  pool: pg.Pool;
  /** The accounts of the channel email. */
  emailAccounts: readonly Pick<Provider, 'name' | 'capabilities'>[];
}

/**
 * The receipts that an email is as a bounce of one of our messages; empty for any other email. Anyone who knows the Message-ID can
 * write a bounce: each recipient of the message does. So a bounce counts only for an account without receipts of its own and for some
 * days, and is `hard` only with a null return path, for the sole recipient of a message that nobody has answered.
 *
 * @param envelopeFrom `InboundMail.envelopeFrom`: a bounce has a null return path (RFC 3464, section 2).
 */
export async function bounceReceipts(
  { pool, emailAccounts }: BounceOptions,
  mail: ParsedMail,
  identity: string,
  envelopeFrom: InboundMail['envelopeFrom'],
): Promise<BounceReceipt[]> {
  const bounce = envelopeFrom ? null : bounceIn(mail);
  if (!bounce || bounce.messageIds.length === 0) return [];
  const accounts = emailAccounts.filter(({ capabilities }) => !capabilities.receipts);
  const { rows } = await execute<Sent>(pool, FIND, [bounce.messageIds, accounts.map(({ name }) => name)]);
  const [sent] = rows;
  if (!sent) return [];
  const mayBeHard = envelopeFrom === null && sent.recipient_count === 1 && !sent.is_answered;
  return bounce.failed.map((failed) => ({
    account: sent.provider,
    content: toStorable(
      receiptOf(sent.provider_message_id, mayBeHard ? failed : { ...failed, bounce: 'soft' }, {
        ...{ identity, date: plausibleDate(mail.date) },
      }),
    ),
  }));
}

function receiptOf(
  providerMessageId: string,
  { address, bounce, status, diagnostic }: FailedRecipient,
  { identity, date }: { identity: string; date: string | null },
): ReceiptContent {
  return {
    ...{ providerMessageId, echo: null, recipient: address, status: 'bounced', bounce },
    dedupeKey: `mail ${identity} ${address}`,
    error: { code: status, detail: diagnostic },
    errorClass: bounce === 'hard' ? 'invalid_destination' : 'provider_error',
    timestamp: date,
    payload: { recipient: address, status, diagnostic, bounce },
  };
}

import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import { bounceIn, type FailedRecipient } from '../../mail/bounce.ts';
import type { ParsedMail } from '../../mail/parsed-mail.ts';
import type { ReceiptContent } from '../../providers/webhook.ts';

/** The message of ours that bounced, as its provider knows it. */
const FIND = {
  name: 'find-bounced-email',
  text: `
    select deliveries.provider, deliveries.provider_message_id
    from email_message_ids join deliveries using (message_id)
    where internet_message_id = any($1) and deliveries.provider_message_id is not null
    order by message_id desc limit 1`,
};

/** A receipt for the account that sent the message. */
export interface BounceReceipt {
  account: string;
  content: ReceiptContent;
}

/** The receipts that an email is as a bounce of one of our messages; empty for any other email. */
export async function bounceReceipts(
  pool: pg.Pool,
  mail: ParsedMail,
  identity: string,
): Promise<BounceReceipt[]> {
  const bounce = bounceIn(mail);
  if (!bounce || bounce.messageIds.length === 0) return [];
  const { rows } = await execute<{ provider: string; provider_message_id: string }>(pool, FIND, [
    bounce.messageIds,
  ]);
  const [sent] = rows;
  if (!sent) return [];
  return bounce.failed.map((failed) => ({
    account: sent.provider,
    content: receiptOf(sent.provider_message_id, failed, { identity, date: mail.date }),
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

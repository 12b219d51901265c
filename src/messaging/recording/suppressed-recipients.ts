import type { CheckedMessage, SuppressedRecipient } from '../../consent/check.ts';
import { RecipientSuppressedError } from '../../refusals.ts';
import type { NewMessage, SkippedRecipient } from './new-message.ts';

/** Of a message that is being recorded: why the message is refused, or the recipients who do not get it. */
export interface LedgerResult {
  refusal: RecipientSuppressedError | null;
  skipped: SkippedRecipient[];
}

/** The parts of a message that decide what suppressed recipients mean for it. */
export type SuppressibleMessage = Pick<NewMessage, 'recipients' | 'skipSuppressed'> & {
  row: Pick<NewMessage['row'], 'from' | 'to' | 'cc' | 'purpose'>;
};

/** The message as the ledger checks it. An inbound message has no recipients to check. */
export function toChecked({ recipients, row }: SuppressibleMessage): CheckedMessage {
  return {
    from: row.from,
    recipients: recipients.map(({ key }) => key),
    purpose: row.purpose ?? 'conversational',
  };
}

/**
 * A message with a suppressed recipient is refused, unless the request says that suppressed recipients are skipped and a recipient in
 * `to` or `cc` remains.
 */
export function applySuppressions(
  message: SuppressibleMessage,
  suppressed: SuppressedRecipient[],
): LedgerResult {
  if (suppressed.length === 0) return { refusal: null, skipped: [] };
  const visible = message.row.to.length + (message.row.cc?.length ?? 0);
  const remains = suppressed.filter(({ index }) => index < visible).length < visible;
  if (message.skipSuppressed && remains)
    return { refusal: null, skipped: suppressed.map((recipient) => skip(message, recipient)) };
  const faults = suppressed.map(({ index, suppressions: [{ reason, scope }] }) => ({
    path: message.recipients[index]?.path ?? '/body/to',
    message: `is suppressed: ${reason}, scope ${scope}`,
  }));
  const entries = suppressed.flatMap(({ suppressions }) => suppressions);
  return { refusal: new RecipientSuppressedError(faults, entries), skipped: [] };
}

function skip(message: SuppressibleMessage, { index, suppressions }: SuppressedRecipient): SkippedRecipient {
  return {
    position: index + 1,
    address: message.recipients[index]?.key ?? '',
    error: {
      code: 'recipient_suppressed',
      detail: `The recipient is suppressed (${suppressions[0].reason})`,
    },
  };
}

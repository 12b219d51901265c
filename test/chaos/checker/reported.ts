import type { AcceptedMessage, StoredMessage } from './evidence.ts';

/** The final statuses of receipts in the words of the service. */
const ENDS: Record<string, string> = {
  ...{ delivered: 'delivered', undelivered: 'undelivered', bounced: 'undelivered', dropped: 'failed' },
};

type Receipts = AcceptedMessage['receipts'];

/** The status by the receipts that the service acknowledged. An email can bounce after it was delivered. */
function statusBy(receipts: Receipts): string {
  const ends = receipts.flatMap(({ status, acknowledged }) => (acknowledged > 0 && ENDS[status]) || []);
  return ends.find((end) => end !== 'delivered') ?? ends[0] ?? 'sent';
}

/** The status that the provider reported for a recipient of an email; null if it did not accept the email for the recipient. */
export function reportedStatusFor(address: string, accepted: readonly AcceptedMessage[]): string | null {
  const own = accepted.filter(({ recipients }) => recipients?.includes(address));
  if (own.length === 0) return null;
  return statusBy(own.flatMap(({ receipts }) => receipts.filter(({ recipient }) => recipient === address)));
}

/**
 * The status that the provider reported for a message. That of an email is the summary of its recipients, of whom those for whom
 * no email was accepted were refused.
 *
 * @param own the acceptance that the service knows.
 * @param accepted all acceptances of the message.
 */
export function reportedStatus(
  { to, cc }: StoredMessage,
  own: AcceptedMessage,
  accepted: readonly AcceptedMessage[],
): string {
  if (own.recipients === undefined) return statusBy(own.receipts);
  const statuses = new Set(
    [...to, ...(cc ?? [])].map((address) => reportedStatusFor(address, accepted) ?? 'failed'),
  );
  if (statuses.has('sent')) return 'sent';
  const [only] = statuses;
  return statuses.size === 1 && only !== undefined ? only : 'undelivered';
}

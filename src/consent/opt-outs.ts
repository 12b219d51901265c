import type { StopScope } from '../config/config.ts';
import type { KeywordAction } from '../config/keywords.ts';
import type { HashAddress } from './key.ts';

/** A request of a recipient, as the stored function `record_opt_outs` reads it. */
export interface OptOutRow {
  account: string;
  address: string;
  address_hash: string;
  /** The number or name that the recipient wrote to; null if it is not known, or if there are several. */
  sender: string | null;
  /** The numbers that a START concerns. */
  senders: readonly string[];
  action: KeywordAction;
  keyword: string | null;
  /** `message`: a keyword in an inbound message; `webhook`: a report of the provider. */
  source: 'message' | 'webhook';
  provider_message_id: string | null;
  reason: 'stop_keyword' | 'provider_opt_out';
  scope: StopScope;
  /** Whether the request may be answered with an automatic reply. */
  may_reply: boolean;
  /** A refused call began at `occurred_at`. */
  is_refusal: boolean;
  /** Null for now. */
  occurred_at: Date | null;
}

export interface OptOutOptions {
  hashAddress: HashAddress;
  stopScope: StopScope;
}

type Given = Pick<
  OptOutRow,
  'account' | 'address' | 'senders' | 'action' | 'keyword' | 'provider_message_id'
> &
  Partial<Pick<OptOutRow, 'may_reply' | 'is_refusal' | 'occurred_at'>>;

/** A STOP applies to the channel if no single number is known that the recipient wrote to. */
export function optOutRow(
  { hashAddress, stopScope }: OptOutOptions,
  { provider_message_id, senders, ...given }: Given,
): OptOutRow {
  const sender = senders.length === 1 ? (senders[0] as string) : null;
  const isReport = provider_message_id !== null;
  return {
    ...{ may_reply: false, is_refusal: false, occurred_at: null },
    ...given,
    address_hash: hashAddress(given.address),
    ...{ sender, senders, provider_message_id },
    scope: sender === null ? 'channel' : stopScope,
    source: isReport ? 'webhook' : 'message',
    reason: isReport ? 'provider_opt_out' : 'stop_keyword',
  };
}

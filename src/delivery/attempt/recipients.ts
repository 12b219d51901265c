import type { Outgoing } from '../../providers/outgoing.ts';
import type { ClaimCheck } from './ledger.ts';

type Positions = Pick<ClaimCheck, 'leftOut' | 'settled'>;
type Addressed = Pick<Outgoing, 'to' | 'cc' | 'bcc'>;

/**
 * A message without some of its recipients. If nobody remains in `to`, the recipients in `cc` take its place. Null if only recipients of
 * blind copies remain, or nobody.
 *
 * @param positions in `to`, `cc` and `bcc`, from 1.
 */
export function withoutRecipients<M extends Addressed>(message: M, positions: readonly number[]): M | null {
  if (positions.length === 0) return message;
  const leftOut = new Set(positions);
  let position = 0;
  const remaining = (addresses: readonly string[] | null) =>
    (addresses ?? []).filter(() => !leftOut.has(++position));
  const [to, cc, bcc] = [remaining(message.to), remaining(message.cc), remaining(message.bcc)];
  if (to.length === 0 && cc.length === 0) return null;
  const visible = to.length > 0 ? { to, cc: orNull(cc) } : { to: cc, cc: null };
  return { ...message, ...visible, bcc: orNull(bcc) };
}

/** The recipients of the next call: without those who are left out, and those whom an earlier call has settled. */
export function envelopeOf(message: Addressed, { leftOut, settled }: Positions): string[] {
  const others = new Set([...leftOut, ...settled]);
  const addresses = [message.to, message.cc ?? [], message.bcc ?? []].flat();
  return addresses.filter((_address, index) => !others.has(index + 1));
}

/** Whether a call can be made: the headers name somebody, and somebody has not got the message yet. */
export function hasRecipients(message: Addressed, positions: Positions): boolean {
  return withoutRecipients(message, positions.leftOut) !== null && envelopeOf(message, positions).length > 0;
}

function orNull(addresses: string[]): string[] | null {
  return addresses.length > 0 ? addresses : null;
}

import type { Outgoing } from '../../providers/provider.ts';

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

function orNull(addresses: string[]): string[] | null {
  return addresses.length > 0 ? addresses : null;
}

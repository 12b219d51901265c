import type { Outgoing, OutgoingEmail } from '../outgoing.ts';

export type Email = Outgoing & { email: OutgoingEmail };

export interface Recipients {
  to: string[];
  cc: string[];
  bcc: string[];
}

/** The recipients of this call, each once, for APIs that make the envelope from the fields of the message. */
export function recipientsOf({ to, cc, bcc, email }: Email): Recipients {
  const open = new Set(email.envelope);
  const take = (addresses: readonly string[] | null) => (addresses ?? []).filter((each) => open.delete(each));
  return { to: take(to), cc: take(cc), bcc: take(bcc) };
}

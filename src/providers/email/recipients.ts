import type { Outgoing, OutgoingEmail } from '../outgoing.ts';

export type Email = Outgoing & { email: OutgoingEmail };

export interface Recipients {
  to: string[];
  cc: string[];
  bcc: string[];
}

/** An address of the headers or of the call whose local part has characters beyond ASCII; undefined if there is none. */
export function addressBeyondAscii({ from, to, cc, reply_to, email }: Email): string | undefined {
  const all = [from, ...email.envelope, ...to, ...(cc ?? []), reply_to ?? ''];
  return all.find((address) => !/^\p{ASCII}*(?:@[^@]*)?$/u.test(address));
}

/** The recipients of this call, each once, for APIs that make the envelope from the fields of the message. */
export function recipientsOf({ to, cc, bcc, email }: Email): Recipients {
  const open = new Set(email.envelope);
  const take = (addresses: readonly string[] | null) => (addresses ?? []).filter((each) => open.delete(each));
  return { to: take(to), cc: take(cc), bcc: take(bcc) };
}

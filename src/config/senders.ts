import type { Channel } from '../channel.ts';

/** Normalises one address that can send, in the same way as the senders of messages; null for any other text. */
export type SenderParser = (text: string) => { type: string; key: string } | null;

const FORMS: Record<Channel, string> = {
  sms: 'a phone number in E.164 such as +12016661234, a short code or an alphanumeric sender id',
  email: 'an email address or a domain such as example.com',
};

export interface Senders {
  /** In lower case; null if the account has every sender. */
  senders: string[] | null;
  /** One line for each entry that is not a sender of this channel. */
  faults: string[];
}

/**
 * Reads the entries of `<NAME>_SENDERS`: phone numbers in E.164, short codes and alphanumeric sender ids for SMS; addresses and
 * domains for email. A domain has every address of exactly this domain. `*` stands for every sender.
 */
export function readSenders(channel: Channel, entries: readonly string[], parse: SenderParser): Senders {
  const faults: string[] = [];
  const senders = new Set<string>();
  for (const entry of entries) {
    const sender = entry === '*' ? '*' : normalise(channel, entry, parse);
    if (sender !== null) senders.add(sender);
    else faults.push(`"${entry}" is not ${FORMS[channel]}`);
  }
  return { senders: senders.has('*') ? null : [...senders], faults };
}

function normalise(channel: Channel, entry: string, parse: SenderParser): string | null {
  // A pattern such as *@example.com has the form of an address.
  if (entry.includes('*')) return null;
  if (channel === 'email') return entry.includes('@') ? keyOf(parse(entry), 'email') : domainOf(entry, parse);
  const sender = parse(entry);
  // Without the country code, a number would depend on DEFAULT_REGION.
  if (sender?.type === 'phone' && !entry.startsWith('+')) return null;
  return keyOf(sender, 'phone', 'short_code', 'alphanumeric');
}

function domainOf(entry: string, parse: SenderParser): string | null {
  const address = keyOf(parse(`postmaster@${entry}`), 'email');
  return entry.includes('.') ? (address?.slice(address.indexOf('@') + 1) ?? null) : null;
}

function keyOf(sender: ReturnType<SenderParser>, ...types: string[]): string | null {
  return sender !== null && types.includes(sender.type) ? sender.key.toLowerCase() : null;
}

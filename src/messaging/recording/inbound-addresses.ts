import type { Channel } from '../../channel.ts';
import type { Address, AddressParser, AddressType } from '../address.ts';
import { splitMailboxes } from '../email-address.ts';
import { removeFormat, toOneLine, trimInvisible, truncate } from '../text.ts';
import { itemsOf, readText } from './inbound-values.ts';

/** Sender of an email without a return path: a bounce or another automatic mail (RFC 5321, section 4.5.5). */
const MAILER_DAEMON = 'mailer-daemon';
/** Sender of a text whose number is withheld. */
const UNKNOWN = 'unknown';
const MAX_OTHER = 320;
/** Recipients of a message: with its sender, the most participants that a conversation's index can hold. */
export const MAX_RECIPIENTS = 300;
/** Texts of a header that are parsed, whether they are addresses or not. */
const MAX_TEXTS = 1_000;
/** UTF-16 units of a header that are read: more than that many recipients with their names take. */
const MAX_HEADER = 32_768;

/** Reads the sender of an inbound message; of several authors the first. It is never missing: see `other`. */
export function readSender(parse: AddressParser, channel: Channel, from: unknown): Address {
  return readHeader(parse, channel, from, 1)[0] ?? other(channel, from);
}

/** Reads the recipients in a header of an inbound message: each address that can be read, once. */
export function readRecipients(parse: AddressParser, channel: Channel, header: unknown): Address[] {
  return readHeader(parse, channel, header, MAX_RECIPIENTS);
}

/**
 * The first addresses of a header, at most `limit`, each once. Inbound text is cleaned where outbound text is refused:
 * the message exists, whatever its headers are.
 */
function readHeader(parse: AddressParser, channel: Channel, header: unknown, limit: number): Address[] {
  const found = new Map<string, Address>();
  let parsed = 0;
  for (const value of textsOf(header)) {
    const text = clean(value);
    for (const mailbox of channel === 'sms' ? [text] : mailboxesIn(parse, text)) {
      const address = parse(mailbox);
      if (address && fits(address.type, channel)) found.set(address.key, address);
      if (found.size === limit || ++parsed === MAX_TEXTS) return [...found.values()];
    }
  }
  return [...found.values()];
}

function mailboxesIn(parse: AddressParser, value: string): string[] {
  return parse(value)?.type === 'email' ? [value] : splitMailboxes(value);
}

/** An email has email addresses only, while gateways deliver texts from email addresses too. */
function fits(type: AddressType, channel: Channel): boolean {
  return channel === 'sms' || type === 'email';
}

/** A sender that nothing can be sent to, by the text that the provider gave. */
function other(channel: Channel, from: unknown): Address {
  const given = textsOf(from).find((value) => trimInvisible(value) !== '') ?? '';
  // A lookup by address trims its text in the same way.
  const text = trimInvisible(truncate(clean(given), MAX_OTHER).normalize('NFC'));
  if (channel === 'sms') return { type: 'other', key: text || UNKNOWN };
  const bracketed = /<([^<>]*)>$/.exec(text)?.[1] ?? text.replace(/\(.*/s, '');
  const name = lowerCase(trimInvisible(bracketed));
  return { type: 'other', key: name === '' || name.startsWith(MAILER_DAEMON) ? MAILER_DAEMON : name };
}

/** Lower case except in encoded words (RFC 2047), whose Base64 is case-sensitive. */
function lowerCase(text: string): string {
  return text
    .split(/(=\?[^?\s]+\?[bq]\?[^?\s]*\?=)/i)
    .map((part, index) => (index % 2 === 1 ? part : part.toLowerCase()))
    .join('');
}

/** The texts of a header, up to its limit. */
function textsOf(header: unknown): string[] {
  let left = MAX_HEADER;
  const texts: string[] = [];
  for (const item of itemsOf(header)) {
    if (left <= 0 || texts.length === MAX_TEXTS) break;
    const text = readText(item);
    if (text === null) continue;
    texts.push(text.slice(0, left));
    left -= text.length + 1;
  }
  return texts;
}

function clean(text: string): string {
  return removeFormat(toOneLine(text));
}

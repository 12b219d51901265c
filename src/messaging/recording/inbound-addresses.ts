import type { Channel } from '../../channel.ts';
import { type Address, type AddressParser, type AddressType, isErasedAddress } from '../address.ts';
import { splitMailboxes } from '../email-address.ts';
import { removeFormat, toOneLine, trimInvisible, truncate } from '../text.ts';
import { itemsOf, readText } from './inbound-values.ts';

/** Sender of an email without a return path, which is a bounce or another automatic mail (RFC 5321, section 4.5.5). */
const MAILER_DAEMON = 'mailer-daemon';
/** Sender of a text with a withheld number. */
const UNKNOWN = 'unknown';
const MAX_OTHER = 320;
/** Maximum recipients of a message, because the index of conversations limits the number of participants. */
export const MAX_RECIPIENTS = 300;
/** Maximum texts of a header that are parsed, including texts that are not addresses. */
const MAX_TEXTS = 1_000;
/** Maximum UTF-16 units of a header that are read; enough for `MAX_RECIPIENTS` addresses with names. */
const MAX_HEADER = 32_768;

/** Reads the sender of an inbound message, which is the first of several authors. Without an address, see `other`. */
export function readSender(parse: AddressParser, channel: Channel, from: unknown): Address {
  return readHeader(parse, channel, from, 1)[0] ?? other(channel, from);
}

/** Reads the distinct addresses in a header of an inbound message. Skips invalid addresses. */
export function readRecipients(parse: AddressParser, channel: Channel, header: unknown): Address[] {
  return readHeader(parse, channel, header, MAX_RECIPIENTS);
}

/**
 * The first distinct addresses of a header, at most `limit`. Unlike the text of a client, inbound text is cleaned and never
 * refused, because the message already exists.
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

/** An email has email addresses only. A text can have an email address too, because gateways send texts from emails. */
function fits(type: AddressType, channel: Channel): boolean {
  return channel === 'sms' || type === 'email';
}

/** The sender of a message without a valid sender address: the text of the provider, which is not valid for sending. */
function other(channel: Channel, from: unknown): Address {
  const given = firstText(from);
  // A filter by address trims its text in the same way.
  const text = trimInvisible(truncate(clean(given), MAX_OTHER).normalize('NFC'));
  if (text === '' || isErasedAddress(text))
    return { type: 'other', key: channel === 'sms' ? UNKNOWN : MAILER_DAEMON };
  if (channel === 'sms') return { type: 'other', key: text };
  const bracketed = /<([^<>]*)>$/.exec(text)?.[1] ?? text.replace(/\(.*/s, '');
  const name = lowerCase(trimInvisible(bracketed));
  const isUnknown = name === '' || name.startsWith(MAILER_DAEMON) || isErasedAddress(name);
  return { type: 'other', key: isUnknown ? MAILER_DAEMON : name };
}

/** Lower case except in encoded words (RFC 2047), whose Base64 is case-sensitive. */
function lowerCase(text: string): string {
  return text
    .split(/(=\?[^?\s]+\?[bq]\?[^?\s]*\?=)/i)
    .map((part, index) => (index % 2 === 1 ? part : part.toLowerCase()))
    .join('');
}

/** The first text of a header that is not blank, up to `MAX_HEADER`; empty if there is none. */
export function firstText(header: unknown): string {
  return textsOf(header).find((text) => trimInvisible(text) !== '') ?? '';
}

/** The texts of a header, up to `MAX_HEADER` and `MAX_TEXTS`. */
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

import { domainToASCII } from 'node:url';
import parseAddresses from 'nodemailer/lib/addressparser';
import { trimInvisible } from './text.ts';

/**
 * Control, format, surrogate and space characters, which no part of a real address has. U+2800, the Braille pattern without
 * dots, is a symbol by its category but looks like a space.
 */
const INVISIBLE = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800`;
const LOCAL_PART = new RegExp(`^[^${INVISIBLE}@<>()\\[\\],;:\\\\"]+$`, 'u');
/** Maximum characters. RFC 5321 allows 64 octets, but senders of automatic mail use longer local parts. */
const MAX_LOCAL_PART = 256;
const QUOTED_LOCAL_PART = /^"((?:[^"\\]|\\.)*)"$/s;
/** Characters that a domain cannot have. `domainToASCII` would parse some of the ASCII characters as parts of a URL. */
const NOT_IN_DOMAIN = new RegExp(`[${INVISIBLE}]|(?![A-Za-z0-9._-])\\p{ASCII}`, 'u');
const LABEL = /^[a-z0-9_-]{1,63}$/;
const MAX_DOMAIN = 253;

const MARKDOWN_LINK = /^\[([^\]]*)\]\(mailto:([^)\s]+)\)$/i;
/** A display name, whose quoted parts may have any character, and one address in angle brackets (RFC 5322). */
const NAME_AND_ADDRESS =
  /^((?:"(?:[^"\\\p{Cc}\p{Zl}\p{Zp}]|\\[^\p{Cc}\p{Zl}\p{Zp}])*"|[^"<>(),;:\\\p{Cc}\p{Zl}\p{Zp}])*)<([^<>]*)>$/u;
const QUOTED = /"(?:[^"\\]|\\.)*"/gs;

/**
 * The normalised form of exactly one mailbox: `a@b`, `Name <a@b>`, `<a@b>`, `mailto:a@b` or `[a@b](mailto:a@b)`. Null for
 * all other texts, such as lists, groups, comments and routes, because the address would be ambiguous.
 */
export function parseMailbox(text: string): string | null {
  const [, label, linked] = MARKDOWN_LINK.exec(text) ?? [];
  if (label !== undefined && linked !== undefined) return ifUnambiguous(label, normalise(linked));
  const [, name, bracketed] = NAME_AND_ADDRESS.exec(text) ?? [];
  if (name === undefined || bracketed === undefined) return normalise(text);
  return ifUnambiguous(name.replace(QUOTED, ''), normalise(bracketed));
}

/** Characters that change the direction of the text, which can make a name look like another one. */
const DIRECTION = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The display name of a text that `parseMailbox` accepts, such as `Ada` of `"Ada" <ada@example.com>`; null if it has none. */
export function parseDisplayName(text: string): string | null {
  const trimmed = trimInvisible(text);
  if (MARKDOWN_LINK.test(trimmed)) return null;
  const name = NAME_AND_ADDRESS.exec(trimmed)?.[1] ?? '';
  const unquoted = name.replace(QUOTED, (quoted) => quoted.slice(1, -1).replace(/\\(.)/gs, '$1'));
  return cleanDisplayName(unquoted);
}

/** A display name without characters that change its direction, and with single spaces; null if nothing is left. */
export function cleanDisplayName(name: string): string | null {
  return name.replace(DIRECTION, '').replace(/\s+/g, ' ').trim() || null;
}

/** The address; null if its display name looks like another address, because the address is then ambiguous. */
function ifUnambiguous(name: string, address: string | null): string | null {
  return name.includes('@') && normalise(name) !== address ? null : address;
}

/** Single quotes around an address, and an unbalanced angle bracket. */
const AROUND = /^'(.*)'$|^<|>$/gs;

/**
 * The texts of all mailboxes in an address header of an email, in order and not normalised. Skips parts of the header that
 * are not mailboxes.
 */
export function splitMailboxes(header: string): string[] {
  return splitNamedMailboxes(header).map(({ address }) => address);
}

/** Like `splitMailboxes`, with the display names as the header has them. */
export function splitNamedMailboxes(header: string): { name: string; address: string }[] {
  return parseAddresses(header.replace(/>\s*</g, '>, <'), { flatten: true }).flatMap(({ name, address }) => {
    const text = address?.replace(AROUND, '$1');
    return text ? { name: name ?? '', address: text } : [];
  });
}

/**
 * The text that is the same for all spellings of a mailbox: the local part in lower case and NFC without unnecessary
 * quotes, the domain in ASCII (UTS #46) without a trailing dot. See docs/decisions/email-addresses.md.
 */
function normalise(mailbox: string): string | null {
  const text = trimInvisible(mailbox).replace(/^mailto:/i, '');
  const at = text.lastIndexOf('@');
  const local = normaliseLocalPart(text.slice(0, at));
  const domain = normaliseDomain(text.slice(at + 1));
  return at < 0 || local === null || domain === null ? null : `${local}@${domain}`;
}

function normaliseLocalPart(text: string): string | null {
  const local = QUOTED_LOCAL_PART.exec(text)?.[1]?.replace(/\\(.)/gs, '$1') ?? text;
  if (!LOCAL_PART.test(local)) return null;
  // A Greek sigma has two lower-case forms. The form that toLowerCase returns depends on the adjacent letters.
  const normalised = local.normalize('NFC').toLowerCase().replaceAll('ς', 'σ').normalize('NFC');
  return normalised.length > MAX_LOCAL_PART ? null : normalised;
}

function normaliseDomain(text: string): string | null {
  if (NOT_IN_DOMAIN.test(text)) return null;
  const isAscii = /^\p{ASCII}*$/u.test(text);
  const domain = (isAscii ? text.toLowerCase() : domainToASCII(text)).replace(/\.$/, '');
  const labels = domain.split('.');
  if (domain.length > MAX_DOMAIN || !labels.every((label) => LABEL.test(label))) return null;
  // No top-level domain is a number, so a domain that ends with a number is an IP address.
  return /^\d+$/.test(labels.at(-1) as string) ? null : domain;
}

import { domainToASCII } from 'node:url';
import parseAddresses from 'nodemailer/lib/addressparser';
import { trimInvisible } from './text.ts';

/**
 * Control, format, surrogate, space and blank characters, which no part of a real address has. U+2800, the Braille
 * pattern without dots, is a symbol by its category but looks like a space.
 */
const UNSEEN = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800`;
const LOCAL_PART = new RegExp(`^[^${UNSEEN}@<>()\\[\\],;:\\\\"]+$`, 'u');
/** Characters; RFC 5321 has 64 octets, but longer ones are in use for mail that nobody is to answer. */
const MAX_LOCAL_PART = 256;
const QUOTED_LOCAL_PART = /^"((?:[^"\\]|\\.)*)"$/s;
/** ASCII characters that a domain cannot have: with them, `domainToASCII` would read it as part of a URL. */
const NOT_OF_A_DOMAIN = new RegExp(`[${UNSEEN}]|(?![A-Za-z0-9._-])\\p{ASCII}`, 'u');
const LABEL = /^[a-z0-9_-]{1,63}$/;
const MAX_DOMAIN = 253;

const MARKDOWN_LINK = /^\[([^\]]*)\]\(mailto:([^)\s]+)\)$/i;
/** A display name, of which quoted parts may have any character, and one address in angle brackets (RFC 5322). */
const NAME_AND_ADDRESS =
  /^((?:"(?:[^"\\\p{Cc}\p{Zl}\p{Zp}]|\\[^\p{Cc}\p{Zl}\p{Zp}])*"|[^"<>(),;:\\\p{Cc}\p{Zl}\p{Zp}])*)<([^<>]*)>$/u;
const QUOTED = /"(?:[^"\\]|\\.)*"/gs;

/**
 * The normalised form of exactly one mailbox: `a@b`, `Name <a@b>`, `<a@b>`, `mailto:a@b` or `[a@b](mailto:a@b)`. Null
 * for anything else: lists, groups, comments and routes do not say which of their parts is meant.
 */
export function parseMailbox(text: string): string | null {
  const [, label, linked] = MARKDOWN_LINK.exec(text) ?? [];
  if (label !== undefined && linked !== undefined) return unlessNamedOther(label, normalise(linked));
  const [, name, bracketed] = NAME_AND_ADDRESS.exec(text) ?? [];
  if (name === undefined || bracketed === undefined) return normalise(text);
  return unlessNamedOther(name.replace(QUOTED, ''), normalise(bracketed));
}

/** The address, unless its name looks like another address: it is open then which one is meant. */
function unlessNamedOther(name: string, address: string | null): string | null {
  return name.includes('@') && normalise(name) !== address ? null : address;
}

/** Single quotes around an address, and an angle bracket that nothing opens or closes. */
const AROUND = /^'(.*)'$|^<|>$/gs;

/**
 * The texts of all mailboxes in an address header of an email, in order, however it is written; what is no mailbox
 * is left out, and nothing is normalised.
 */
export function splitMailboxes(header: string): string[] {
  return parseAddresses(header.replace(/>\s*</g, '>, <'), { flatten: true }).flatMap(
    ({ address }) => address?.replace(AROUND, '$1') || [],
  );
}

/**
 * One text for all spellings of a mailbox: the local part in lower case and NFC without needless quotes, the domain
 * in ASCII (UTS #46) without a trailing dot. See docs/decisions/email-addresses.md.
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
  // The two lower-case forms of one Greek letter: which one lower-casing gives depends on its neighbours.
  const normalised = local.normalize('NFC').toLowerCase().replaceAll('ς', 'σ').normalize('NFC');
  return normalised.length > MAX_LOCAL_PART ? null : normalised;
}

function normaliseDomain(text: string): string | null {
  if (NOT_OF_A_DOMAIN.test(text)) return null;
  const isAscii = /^\p{ASCII}*$/u.test(text);
  const domain = (isAscii ? text.toLowerCase() : domainToASCII(text)).replace(/\.$/, '');
  const labels = domain.split('.');
  if (domain.length > MAX_DOMAIN || !labels.every((label) => LABEL.test(label))) return null;
  // No top-level domain is a number: this is an IP address, or was made one.
  return /^\d+$/.test(labels.at(-1) as string) ? null : domain;
}

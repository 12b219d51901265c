import { decodeHeader } from './encoded-words.ts';

const BRACKETED = /<([^<>]*)>/g;
const MAX_ID = 998;
/** Spaces and control characters, which an encoded word can have. */
const INVISIBLE = /[\s\p{Cc}]+/gu;

/**
 * The message ids in a header, without angle brackets and in their order. Ids without brackets are accepted if they have an `@`. Some
 * mailers write long ids as encoded words (RFC 2047), which is not allowed.
 */
export function messageIdsIn(header: string | null): string[] {
  if (header === null) return [];
  const ids = decodeHeader(header);
  const bracketed = [...ids.matchAll(BRACKETED)].map(([, id = '']) => id.replace(INVISIBLE, ''));
  const found = bracketed.length > 0 ? bracketed : ids.split(/[\s,;]+/).filter((word) => word.includes('@'));
  return [...new Set(found.filter((id) => id !== '' && id.length <= MAX_ID))];
}

/** The id in `Message-ID`, without angle brackets; null if there is none. Broken mailers omit the brackets or the `@`. */
export function messageIdIn(header: string | null): string | null {
  const bare = decodeHeader(header ?? '').trim();
  const id = messageIdsIn(bare)[0] ?? bare.replace(/[<>]/g, '').replace(INVISIBLE, '');
  return id === '' || id.length > MAX_ID ? null : id;
}

/** Max ids of a chain that are kept; the last ones are the nearest. */
const MAX_CHAIN = 100;

/**
 * The ids that the `References` of an answer to an email begin with: its `References`, or else its `In-Reply-To` if this has one id
 * (RFC 5322, section 3.6.4). Null without any.
 */
export function chainOf({
  references,
  inReplyTo,
}: {
  references: readonly string[];
  inReplyTo: readonly string[];
}): string[] | null {
  if (references.length > 0) return references.slice(-MAX_CHAIN);
  return inReplyTo.length === 1 ? [...inReplyTo] : null;
}

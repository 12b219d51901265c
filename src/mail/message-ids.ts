const BRACKETED = /<([^<>]*)>/g;
const MAX_ID = 998;

/** The message ids in a header, without angle brackets and in their order. Ids without brackets are accepted if they have an `@`. */
export function messageIdsIn(header: string | null): string[] {
  if (header === null) return [];
  const bracketed = [...header.matchAll(BRACKETED)].map(([, id = '']) => id.replace(/\s+/g, ''));
  const found =
    bracketed.length > 0 ? bracketed : header.split(/[\s,;]+/).filter((word) => word.includes('@'));
  return [...new Set(found.filter((id) => id !== '' && id.length <= MAX_ID))];
}

/** The id in `Message-ID`, without angle brackets; null if there is none. Broken mailers omit the brackets or the `@`. */
export function messageIdIn(header: string | null): string | null {
  const bare = header?.trim() ?? '';
  const id = messageIdsIn(bare)[0] ?? bare.replace(/[\s<>]+/g, '');
  return id === '' || id.length > MAX_ID ? null : id;
}

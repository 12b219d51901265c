/** A message in the words of a provider's callback. */
export interface Echo {
  messageId: number;
  deliveryKey: string;
}

/**
 * The text by which a provider names a message in its callbacks: the message's id in base 36, and its delivery key in base64url.
 * At most 36 characters of `A-Za-z0-9_-`, which every provider accepts.
 */
export function echoOf({ id, delivery_key }: { id: number; delivery_key: string }): string {
  return `${id.toString(36)}-${Buffer.from(delivery_key.replaceAll('-', ''), 'hex').toString('base64url')}`;
}

/** @returns null for any other text. */
export function parseEcho(text: string): Echo | null {
  const [, id, key] = /^([0-9a-z]{1,11})-([\w-]{22})$/.exec(text) ?? [];
  const messageId = Number.parseInt(id ?? '', 36);
  if (key === undefined || !Number.isSafeInteger(messageId)) return null;
  const hex = Buffer.from(key, 'base64url').toString('hex');
  return { messageId, deliveryKey: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') };
}

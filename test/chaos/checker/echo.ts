/** The delivery key in the name of a message (`<id in base 36>-<key in base64url>`); null for any other text. */
export function keyInEcho(text: unknown): string | null {
  const [, key] = /^[0-9a-z]+-([\w-]{22})$/.exec(String(text)) ?? [];
  if (key === undefined) return null;
  const hex = Buffer.from(key, 'base64url').toString('hex');
  return /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex)?.slice(1).join('-') ?? null;
}

/** The delivery key in a callback URL (`?echo=…`); null for any other text. */
export function keyInCallback(url: unknown): string | null {
  return keyInEcho(/[?&]echo=([^&]*)$/.exec(String(url))?.[1]);
}

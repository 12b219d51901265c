/**
 * The base URL without a trailing slash.
 *
 * @throws {TypeError} if the value is not an absolute http or https URL, or has credentials, a query or a fragment.
 */
export function readBaseUrl(input: string | URL): string {
  const given = String(input).trim();
  const { protocol, username, password, search, hash, origin, pathname } = parse(given);
  if (username || password) throw new TypeError('baseUrl must not contain credentials: use apiKey.');
  if (!/^https?:$/.test(protocol)) throw notAbsolute(given);
  if (search || hash) throw new TypeError(`baseUrl must not contain a query or a fragment: "${given}".`);
  return origin + pathname.replace(/\/+$/, '');
}

function parse(given: string): URL {
  try {
    return new URL(given);
  } catch {
    throw notAbsolute(given);
  }
}

function notAbsolute(given: string): TypeError {
  const scheme = /^(localhost|\d+\.)/.test(given) ? 'http' : 'https';
  const hint = /^[\w.-]+(:\d+)?(\/|$)/.test(given) ? ` Did you mean "${scheme}://${given}"?` : '';
  return new TypeError(`baseUrl must be an absolute http or https URL: "${given}" is not.${hint}`);
}

/** @throws {TypeError} if the key cannot be sent in a header. The message does not contain the key. */
export function assertApiKey(apiKey: string | undefined): void {
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new TypeError(
      'apiKey must be one or more printable ASCII characters, without spaces or line breaks.',
    );
}

/**
 * The base URL without a trailing slash, by default of the environment variable `MESSAGING_BASE_URL`.
 *
 * @throws {TypeError} if the value is not an absolute http or https URL, or has credentials, a query or a fragment.
 */
export function readBaseUrl(input: string | URL | undefined): string {
  const value = input ?? environment('MESSAGING_BASE_URL');
  if (value === undefined) throw new TypeError('baseUrl is missing: set the option or MESSAGING_BASE_URL.');
  const given = String(value).trim();
  if (!/^https?:/i.test(given) || !URL.canParse(given)) throw notAbsolute(given);
  const { username, password, search, hash, origin, pathname } = new URL(given);
  if (username || password || search || hash)
    throw new TypeError('baseUrl must not contain a query, a fragment or credentials: use apiKey.');
  return origin + pathname.replace(/\/+$/, '');
}

function notAbsolute(given: string): TypeError {
  const scheme = /^(localhost|\d+\.)/.test(given) ? 'http' : 'https';
  const hint = /^[\w.-]+(:\d+)?(\/|$)/.test(given) ? ` Did you mean "${scheme}://${given}"?` : '';
  return new TypeError(`baseUrl must be an absolute http or https URL, not "${given}".${hint}`);
}

/**
 * The API key, by default of the environment variable `MESSAGING_API_KEY`; null for none.
 *
 * @throws {TypeError} if the key cannot be sent in a header. The message does not contain the key.
 */
export function readApiKey(input: string | null | undefined): string | null | undefined {
  const apiKey = input === undefined ? environment('MESSAGING_API_KEY') : input;
  if (apiKey != null && !/^[\x21-\x7e]+$/.test(apiKey))
    throw new TypeError('apiKey must be printable ASCII without spaces.');
  return apiKey;
}

/**
 * An environment variable. Undefined if the variable is empty, or in an environment without variables (browsers, workers) or
 * without the permission to read them (Deno). A bundler cannot replace the name with a value, so no key is bundled.
 */
function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  try {
    return process?.env?.[name]?.trim() || undefined;
  } catch {
    return undefined;
  }
}

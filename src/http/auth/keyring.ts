import { hash, timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type ApiKey, type Scope, watchApiKeys } from '../../config/api-keys.ts';
import type { Config } from '../../config/config.ts';
import type { Logger } from '../../observability/logger.ts';

/** The API keys that are valid now. */
export interface Keyring {
  /** Returns the key in an `Authorization` header; null for any other value. */
  find(authorization: string | undefined): KnownKey | null;
  /** Whether a key that was found is still valid, with the same scopes. */
  has(key: KnownKey): boolean;
  replace(keys: readonly ApiKey[]): void;
}

/** An API key without its secret. */
export interface KnownKey {
  name: string;
  scopes: readonly Scope[];
}

export function createKeyring(keys: readonly ApiKey[]): Keyring {
  let digests = digestsOf(keys);
  return {
    // Compares the digests of all keys, which have the same length, so that the time does not depend on the keys.
    find: (authorization) => {
      const given = digest(/^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
      return digests.reduce<KnownKey | null>(
        (found, key) => (timingSafeEqual(key.digest, given) ? key.known : found),
        null,
      );
    },
    has: (key) => digests.some(({ known }) => known === key),
    replace: (others) => {
      const before = digests;
      digests = digestsOf(others).map((key) => before.find((old) => isDeepStrictEqual(old, key)) ?? key);
    },
  };
}

/** Creates a keyring that is updated when the file of the API keys changes. Disposal of the stack stops the updates. */
export function createFreshKeyring(
  { apiKeys, apiKeysFile }: Config,
  logger: Logger,
  stack: AsyncDisposableStack,
): Keyring {
  const keyring = createKeyring(apiKeys);
  if (apiKeysFile !== null) {
    const onChange = (keys: ApiKey[]) => {
      keyring.replace(keys);
      logger.info({ api_keys: keys.map(({ name }) => name) }, 'API keys reloaded');
    };
    const onFault = (err: unknown) => logger.error({ err }, 'API keys not reloaded');
    stack.defer(watchApiKeys(apiKeysFile, { keys: apiKeys, onChange, onFault }));
  }
  return keyring;
}

function digestsOf(keys: readonly ApiKey[]) {
  return keys.map(({ name, scopes, key }) => ({ known: { name, scopes }, digest: digest(key) }));
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

import { hash, timingSafeEqual } from 'node:crypto';
import { type ApiKey, watchApiKeys } from '../../config/api-keys.ts';
import type { Config } from '../../config/config.ts';
import type { Logger } from '../../observability/logger.ts';

/** The API keys that are valid now. */
export interface Keyring {
  /** Returns the name of the key in an `Authorization` header; null for any other value. */
  nameOf(authorization: string | undefined): string | null;
  replace(keys: readonly ApiKey[]): void;
}

export function createKeyring(keys: readonly ApiKey[]): Keyring {
  let digests = digestsOf(keys);
  return {
    // Compares the digests of all keys, which have the same length, so that the time does not depend on the keys.
    nameOf: (authorization) => {
      const given = digest(/^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '');
      return digests.reduce<string | null>(
        (found, key) => (timingSafeEqual(key.digest, given) ? key.name : found),
        null,
      );
    },
    replace: (others) => {
      digests = digestsOf(others);
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
  return keys.map(({ name, key }) => ({ name, digest: digest(key) }));
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

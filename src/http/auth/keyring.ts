import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from '../../config/api-keys.ts';

/** The API keys that are valid now. */
export interface Keyring {
  /** The name of the key in an `Authorization` header; null where it is none of them. */
  nameOf(authorization: string | undefined): string | null;
  replace(keys: readonly ApiKey[]): void;
}

export function createKeyring(keys: readonly ApiKey[]): Keyring {
  let digests = digestsOf(keys);
  return {
    // Every key is compared, by digests of one length: the time taken tells nothing.
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

function digestsOf(keys: readonly ApiKey[]) {
  return keys.map(({ name, key }) => ({ name, digest: digest(key) }));
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

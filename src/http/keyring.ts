import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from '../api-keys.ts';

/** The API keys that are valid now. */
export interface Keyring {
  /** The name of the key in an `Authorization` header; null where it is none of them. */
  nameOf(authorization: string | undefined): string | null;
  replace(keys: readonly ApiKey[]): void;
}

const names = new WeakMap<object, string>();

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

/** Keeps by which key a request was let in. */
export function letIn(request: object, name: string): void {
  names.set(request, name);
}

/** The name of the API key that a request was let in by. */
export function apiKeyOf(request: object): string | undefined {
  return names.get(request);
}

function digestsOf(keys: readonly ApiKey[]) {
  return keys.map(({ name, key }) => ({ name, digest: digest(key) }));
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';

/** The uses of keys derived from `SECRET_KEYS`. A key for one use reveals nothing about the key for another use. */
export type KeyUse = 'media links' | 'unsubscribe links' | 'endpoint secrets';

/**
 * The keys for one use, derived by HKDF-SHA256 (RFC 5869), in the order of the secrets: the first signs, and each verifies.
 *
 * @param secrets the values of `SECRET_KEYS`: one, or two during a rotation.
 */
export function deriveKeys(secrets: readonly string[], use: KeyUse): Buffer[] {
  return secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', use, 32)));
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts texts that are stored, by AES-256-GCM with keys derived from `SECRET_KEYS`. */
export class SecretBox {
  /** The first characters of a text that the first key has sealed. */
  readonly prefix: string;
  readonly #first: Buffer;
  /** The keys by the prefixes of the texts that they have sealed. */
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** @param secrets the values of `SECRET_KEYS`: the first seals, and each opens. */
  constructor(secrets: readonly string[], use: KeyUse) {
    const keys = deriveKeys(secrets, use);
    this.#first = keys[0] as Buffer;
    this.#keys = new Map(keys.map((key) => [prefixOf(key), key]));
    this.prefix = prefixOf(this.#first);
  }

  seal(text: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#first, iv);
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return this.prefix + sealed.toString('base64url');
  }

  /** The text; null if no key has sealed it, or it was changed. */
  open(sealed: string): string | null {
    const prefix = sealed.slice(0, this.prefix.length);
    const key = this.#keys.get(prefix);
    const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url');
    if (key === undefined || bytes.length < IV_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return (
        decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch {
      return null;
    }
  }
}

/** Names the key without revealing it. */
function prefixOf(key: Buffer): string {
  return `sealed.${hash('sha256', key).slice(0, 8)}.`;
}

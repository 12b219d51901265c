import { createHmac, timingSafeEqual } from 'node:crypto';
import { deriveKeys } from '../secret-keys.ts';

/** A link of a response is valid for at least this time and at most twice as long, in seconds. */
const LINK_SECONDS = 3_600;

/** Signs and verifies the links to files. A link gives access to one file until it expires. */
export class MediaLinks {
  readonly #keys: readonly Buffer[];
  readonly #publicUrl: string | null;

  /**
   * @param secrets the values of `SECRET_KEYS`: the first signs, and each verifies.
   * @param publicUrl the URL of the service; null if it is not known.
   */
  constructor(secrets: readonly string[], publicUrl: string | null) {
    this.#keys = deriveKeys(secrets, 'media links');
    this.#publicUrl = publicUrl;
  }

  /** Whether the public URL is known, so that there are links. */
  get areAvailable(): boolean {
    return this.#publicUrl !== null;
  }

  /** A link for a response, the same for some time, so that clients can cache the file; null without a public URL. */
  urlOf(id: number): string | null {
    return this.urlUntil(id, (Math.floor(Date.now() / 1_000 / LINK_SECONDS) + 2) * LINK_SECONDS);
  }

  /**
   * A link that is valid until a time; null without a public URL.
   *
   * @param expires in seconds since 1970.
   */
  urlUntil(id: number, expires: number): string | null {
    if (this.#publicUrl === null) return null;
    const [key] = this.#keys as [Buffer];
    const signature = sign(key, id, expires).toString('base64url');
    return `${this.#publicUrl}/api/media/${id}/content?expires=${expires}&signature=${signature}`;
  }

  /** Whether a link to the file has this signature, and is not expired. */
  isValid(id: number, expires: number, signature: string): boolean {
    if (!(expires * 1_000 > Date.now())) return false;
    const given = Buffer.from(signature, 'base64url');
    // Only the canonical text, so that each link has one form.
    if (given.toString('base64url') !== signature) return false;
    return this.#keys.some((key) => {
      const own = sign(key, id, expires);
      return own.length === given.length && timingSafeEqual(own, given);
    });
  }
}

function sign(key: Buffer, id: number, expires: number): Buffer {
  return createHmac('sha256', key).update(`${id}.${expires}`).digest();
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { isLoopbackUrl } from '../config/safety.ts';
import { deriveKeys } from '../secret-keys.ts';
import type { HashAddress } from './key.ts';

/** What a link to unsubscribe names. It has no address, and does not expire. */
export interface UnsubscribeLink {
  /** The `unsubscribe_key` of the email, a UUID. */
  key: string;
  /** The hash of the recipient as the ledger has it, in hexadecimal. */
  addressHash: string;
}

const KEY_BYTES = 16;
const NAMED_BYTES = KEY_BYTES + 32;
const SIGNATURE_BYTES = 18;
/** Base64url of 66 bytes, which leaves no bit unused, so that each token has one form. */
const TOKEN = /^[\w-]{88}$/;
/** With the token and `List-Unsubscribe: <>`, a link fits into a line of 998 characters (RFC 5322, section 2.1.1). */
const MAX_BASE = 880;

/** Makes and reads the links by which recipients of emails unsubscribe with one click (RFC 8058). */
export class UnsubscribeLinks {
  readonly #keys: readonly Buffer[];
  readonly #base: string | null;
  readonly #hashAddress: HashAddress;

  /**
   * @param secrets the values of `SECRET_KEYS`: the first signs, and each verifies.
   * @param publicUrl the URL of the service; null if it is not known.
   */
  constructor(secrets: readonly string[], publicUrl: string | null, hashAddress: HashAddress) {
    this.#keys = deriveKeys(secrets, 'unsubscribe links');
    this.#base = baseOf(publicUrl);
    this.#hashAddress = hashAddress;
  }

  get areAvailable(): boolean {
    return this.#base !== null;
  }

  /**
   * The link for the only recipient of an email.
   *
   * @throws {Error} if links are not available.
   */
  urlOf(key: string, address: string): string {
    if (this.#base === null) throw new Error('There are no links to unsubscribe without a public URL.');
    const named = Buffer.from(key.replaceAll('-', '') + this.#hashAddress(address), 'hex');
    const signature = sign(this.#keys[0] as Buffer, named);
    return this.#base + Buffer.concat([named, signature]).toString('base64url');
  }

  /** What a token of a link names; null if it is not a token of this service. */
  read(token: string): UnsubscribeLink | null {
    if (!TOKEN.test(token)) return null;
    const bytes = Buffer.from(token, 'base64url');
    const [named, given] = [bytes.subarray(0, NAMED_BYTES), bytes.subarray(NAMED_BYTES)];
    if (!this.#keys.some((key) => timingSafeEqual(sign(key, named), given))) return null;
    return {
      key: named.toString('hex', 0, KEY_BYTES),
      addressHash: named.toString('hex', KEY_BYTES),
    };
  }
}

function sign(key: Buffer, named: Buffer): Buffer {
  return createHmac('sha256', key).update(named).digest().subarray(0, SIGNATURE_BYTES);
}

/** The URL without the token that all links share, as printable ASCII. RFC 8058, section 3.1, requires https; a link to this machine is for development. */
function baseOf(publicUrl: string | null): string | null {
  const url = publicUrl === null ? null : URL.parse(publicUrl);
  if (!url || (url.protocol !== 'https:' && !isLoopbackUrl(publicUrl))) return null;
  const base = `${url.href.replace(/\/+$/, '')}/unsubscribe/`;
  return base.length <= MAX_BASE ? base : null;
}

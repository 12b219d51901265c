import { type KeyObject, X509Certificate } from 'node:crypto';
import type { SnsClient } from './client.ts';

/** SNS has one certificate for each region at a time. */
const MAX_CERTIFICATES = 16;
const MAX_AGE_MS = 24 * 60 * 60 * 1_000;

interface Cached {
  key: KeyObject;
  /** Milliseconds since 1970. */
  until: number;
}

/** The public keys of the certificates of SNS, each for at most a day. */
export class Certificates {
  readonly #client: SnsClient;
  /** The oldest first. */
  readonly #cached = new Map<string, Cached>();
  /** The requests of the webhooks that wait for the same certificate. */
  readonly #running = new Map<string, Promise<Cached | null>>();

  constructor(client: SnsClient) {
    this.#client = client;
  }

  /**
   * The key of a certificate; null if there is no valid certificate at this URL.
   *
   * @throws {UnavailableError} if the certificate cannot be fetched now.
   */
  async keyOf(url: URL): Promise<KeyObject | null> {
    const cached = this.#cached.get(url.href);
    if (cached && cached.until > Date.now()) return cached.key;
    const running = this.#running.get(url.href) ?? this.#fetch(url);
    this.#running.set(url.href, running);
    return (await running)?.key ?? null;
  }

  async #fetch(url: URL): Promise<Cached | null> {
    try {
      const pem = await this.#client.get(url);
      const fetched = pem === null ? null : readCertificate(pem, Date.now());
      if (fetched !== null) this.#keep(url.href, fetched);
      return fetched;
    } finally {
      this.#running.delete(url.href);
    }
  }

  #keep(href: string, fetched: Cached): void {
    this.#cached.delete(href);
    this.#cached.set(href, fetched);
    const [oldest] = this.#cached.keys();
    if (this.#cached.size > MAX_CERTIFICATES) this.#cached.delete(oldest as string);
  }
}

/** @param now in milliseconds since 1970. */
export function readCertificate(pem: string, now: number): Cached | null {
  try {
    const certificate = new X509Certificate(pem);
    const [from, until] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    const isValid = from <= now && now < until && certificate.publicKey.asymmetricKeyType === 'rsa';
    return isValid ? { key: certificate.publicKey, until: Math.min(until, now + MAX_AGE_MS) } : null;
  } catch {
    return null;
  }
}

import { type KeyObject, X509Certificate } from 'node:crypto';
import type { SnsClient } from './client.ts';

/** SNS has one certificate for each region at a time. */
const MAX_CERTIFICATES = 16;
const MAX_AGE_MS = 24 * 60 * 60 * 1_000;

interface Certificate {
  key: KeyObject;
  /** When the certificate is fetched again, and when it expires, in milliseconds since 1970. */
  freshUntil: number;
  validUntil: number;
}

/** The public keys of the certificates of SNS, each for at most a day, or until it expires while SNS cannot be reached. */
export class Certificates {
  readonly #client: SnsClient;
  /** The oldest first. */
  readonly #cached = new Map<string, Certificate>();
  /** The URLs of certificates that have verified a webhook. Webhooks that are not verified name other certificates, and evict only these. */
  readonly #proven = new Set<string>();
  /** The requests of the webhooks that wait for the same certificate. */
  readonly #running = new Map<string, Promise<Certificate | null>>();

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
    if (cached && cached.freshUntil > Date.now()) return cached.key;
    const running = this.#running.get(url.href) ?? this.#fetch(url);
    this.#running.set(url.href, running);
    try {
      return (await running)?.key ?? null;
    } catch (error) {
      if (cached && cached.validUntil > Date.now()) return cached.key;
      throw error;
    }
  }

  /** Called when the certificate has verified a webhook of a topic of ours. */
  prove({ href }: URL): void {
    if (this.#cached.has(href)) this.#proven.add(href);
  }

  async #fetch(url: URL): Promise<Certificate | null> {
    try {
      const pem = await this.#client.get(url);
      const fetched = pem === null ? null : readCertificate(pem, Date.now());
      if (fetched !== null) this.#keep(url.href, fetched);
      return fetched;
    } finally {
      this.#running.delete(url.href);
    }
  }

  #keep(href: string, fetched: Certificate): void {
    this.#cached.delete(href);
    this.#cached.set(href, fetched);
    if (this.#cached.size <= MAX_CERTIFICATES) return;
    const urls = [...this.#cached.keys()];
    const removed = urls.find((url) => !this.#proven.has(url)) ?? (urls[0] as string);
    this.#cached.delete(removed);
    this.#proven.delete(removed);
  }
}

/** @param now in milliseconds since 1970. */
export function readCertificate(pem: string, now: number): Certificate | null {
  try {
    const certificate = new X509Certificate(pem);
    const [from, validUntil] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    const isValid = from <= now && now < validUntil && certificate.publicKey.asymmetricKeyType === 'rsa';
    const freshUntil = Math.min(validUntil, now + MAX_AGE_MS);
    return isValid ? { key: certificate.publicKey, freshUntil, validUntil } : null;
  } catch {
    return null;
  }
}

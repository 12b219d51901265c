import { hash, randomUUID } from 'node:crypto';

type Addresses = string | string[];

/** The body of a request to send. */
export interface SendRequest {
  from: string;
  to: Addresses;
  cc?: Addresses;
  bcc?: Addresses;
  subject: string;
  tags?: { name: string; value: string }[];
}

/** An email that Resend accepted. */
export interface Email {
  id: string;
  /** The Message-ID on the wire, which Resend makes. */
  messageId: string;
  from: string;
  recipients: string[];
  subject: string;
  tags: Record<string, string>;
  createdAt: Date;
}

/** The emails by their idempotency keys. */
export class Keys {
  readonly #byKey = new Map<string, { digest: string; email: Email }>();

  /** The email of an earlier request with this key; `other` if that request had another body. */
  find(key: string, request: object): Email | 'other' | undefined {
    const known = this.#byKey.get(key);
    return known && known.digest !== digestOf(request) ? 'other' : known?.email;
  }

  add(key: string, request: object, email: Email): void {
    this.#byKey.set(key, { digest: digestOf(request), email });
  }

  clear(): void {
    this.#byKey.clear();
  }
}

function digestOf(request: object): string {
  return hash('sha256', JSON.stringify(request));
}

export function emailOf(request: SendRequest): Email {
  return {
    ...{ id: randomUUID(), messageId: `<${randomUUID()}@email.amazonses.com>` },
    ...{ from: request.from, recipients: recipientsOf(request), subject: request.subject },
    tags: Object.fromEntries((request.tags ?? []).map(({ name, value }) => [name, value])),
    createdAt: new Date(),
  };
}

/** The addresses without their names. */
export function recipientsOf({ to, cc = [], bcc = [] }: SendRequest): string[] {
  return [to, cc, bcc].flat().map((text) => /<([^<>]+)>\s*$/.exec(text)?.[1] ?? text);
}

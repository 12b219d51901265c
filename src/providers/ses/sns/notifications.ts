import type { IncomingHttpHeaders } from 'node:http';
import type { Verification } from '../../provider.ts';
import type { IncomingWebhook } from '../../webhook.ts';
import { Certificates } from './certificates.ts';
import { SnsClient } from './client.ts';
import { readEnvelope, type SnsEnvelope } from './envelope.ts';
import { hasSignatureForm, isSignedBy } from './signature.ts';
import { certificateUrl, confirmationUrl } from './urls.ts';

/** A message has at most 256 KiB; its JSON is longer. */
const MAX_BYTES = 2 ** 20;

export interface SnsOptions {
  /** Only notifications of these topics are accepted, because anybody can create a topic that SNS signs. */
  topicArns: readonly string[];
  /** Replaces the host of SNS; null for SNS. */
  simulatorOrigin: string | null;
}

/** The webhooks of the topics of an account. Nothing is fetched for a webhook of another topic or with another host. */
export class SnsNotifications {
  readonly #options: SnsOptions;
  /** For confirmations, which must not wait for the certificates of webhooks that are not verified. */
  readonly #client = new SnsClient();
  readonly #certificates = new Certificates(new SnsClient());

  constructor(options: SnsOptions) {
    this.#options = options;
  }

  /** @throws {UnavailableError} if the certificate cannot be fetched now. */
  async verify(webhook: IncomingWebhook): Promise<Verification> {
    const { topicArns, simulatorOrigin } = this.#options;
    const type = webhook.headers['x-amz-sns-message-type'];
    if (typeof type !== 'string') return 'absent';
    if (!this.#isExpected(webhook.headers)) return 'invalid';
    const envelope = readEnvelope(await webhook.json());
    if (envelope?.type !== type || !topicArns.includes(envelope.topicArn)) return 'invalid';
    const url = certificateUrl(envelope.signingCertUrl, simulatorOrigin);
    if (url === null || !hasSignatureForm(envelope) || !this.#isConfirmable(envelope)) return 'invalid';
    const key = await this.#certificates.keyOf(url);
    if (key === null || !isSignedBy(key, envelope)) return 'invalid';
    this.#certificates.prove(url);
    return 'valid';
  }

  /**
   * Confirms a subscription, also one that is confirmed already.
   *
   * @returns false if SNS refuses the confirmation, because its token is older than three days.
   * @throws {UnavailableError} if SNS cannot be reached now.
   */
  async confirm(envelope: SnsEnvelope): Promise<boolean> {
    const url = this.#confirmationUrlOf(envelope);
    return url !== null && (await this.#client.get(url)) !== null;
  }

  /** The headers repeat fields of the body, so that most forged webhooks are refused before their body is read. */
  #isExpected({ 'content-length': length, ...headers }: IncomingHttpHeaders): boolean {
    const topic = headers['x-amz-sns-topic-arn'];
    const isRaw = headers['x-amz-sns-rawdelivery'] !== undefined;
    const isOwn = topic === undefined || this.#options.topicArns.includes(String(topic));
    return !isRaw && isOwn && Number(length ?? 0) <= MAX_BYTES;
  }

  #isConfirmable(envelope: SnsEnvelope): boolean {
    return envelope.type !== 'SubscriptionConfirmation' || this.#confirmationUrlOf(envelope) !== null;
  }

  #confirmationUrlOf({ subscribeUrl, topicArn }: SnsEnvelope): URL | null {
    return confirmationUrl(subscribeUrl ?? '', topicArn, this.#options.simulatorOrigin);
  }
}

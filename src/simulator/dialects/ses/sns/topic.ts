import { randomUUID } from 'node:crypto';
import { webhookUrlOf } from '../../../settings.ts';
import type { Simulation } from '../../../simulation.ts';
import { type Answer, NoAnswerError } from '../../../webhook-client.ts';
import { type SnsMessage, signedMessage, snsHeaders } from './signature.ts';

/** The topic of the events, with the subscription of the service, which the service confirms. */
export class Topic {
  readonly arn: string;
  readonly #simulation: Simulation;
  /** The tokens by the URL that they confirm. */
  readonly #tokens = new Map<string, string>();
  readonly #confirmed = new Set<string>();
  #subscribing: Promise<void> | null = null;

  constructor(arn: string, simulation: Simulation) {
    this.arn = arn;
    this.#simulation = simulation;
  }

  /** Removes all subscriptions. */
  clear(): void {
    this.#tokens.clear();
    this.#confirmed.clear();
  }

  /** @returns whether the token is of a subscription. */
  confirm(token: string): boolean {
    const url = [...this.#tokens].find(([, each]) => each === token)?.[0];
    if (url !== undefined) this.#confirmed.add(url);
    return url !== undefined;
  }

  /**
   * Posts a notification, after the subscription is confirmed.
   *
   * @param id the same in every delivery.
   * @throws {NoAnswerError} there is no response, or the subscription is not confirmed.
   */
  async publish(text: string, id: string = randomUUID()): Promise<Answer> {
    const url = webhookUrlOf(this.#simulation, 'ses');
    await this.#ensureSubscribed(url);
    return this.#post(url, { Type: 'Notification', MessageId: id, Message: text });
  }

  async #ensureSubscribed(url: string): Promise<void> {
    if (this.#confirmed.has(url)) return;
    this.#subscribing ??= this.subscribe(url).finally(() => {
      this.#subscribing = null;
    });
    await this.#subscribing;
    if (!this.#confirmed.has(url)) throw new NoAnswerError('the subscription is not confirmed', false);
  }

  /** Asks the service to confirm the subscription of its URL. */
  async subscribe(url: string): Promise<void> {
    const Token = randomUUID().replaceAll('-', '').repeat(4);
    this.#tokens.set(url, Token);
    const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: this.arn, Token });
    const Message = `You have chosen to subscribe to the topic ${this.arn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`;
    await this.#post(url, {
      ...{ Type: 'SubscriptionConfirmation', MessageId: randomUUID(), Message, Token },
      SubscribeURL: `${this.#simulation.url}/?${query}`,
    });
  }

  #post(url: string, message: Omit<SnsMessage, 'TopicArn' | 'Timestamp'>): Promise<Answer> {
    const { settings, url: own, webhooks } = this.#simulation;
    const { signature_version, unknown_fields } = settings.ses;
    const full = { ...message, TopicArn: this.arn, Timestamp: new Date().toISOString() };
    const isNotification = message.Type === 'Notification';
    const query = new URLSearchParams({
      Action: 'Unsubscribe',
      SubscriptionArn: `${this.arn}:${randomUUID()}`,
    });
    const body = {
      ...signedMessage(full, own, signature_version),
      ...(isNotification && { UnsubscribeURL: `${own}/?${query}` }),
      ...(unknown_fields && { future: { field: [1] } }),
    };
    const headers = snsHeaders(full);
    return webhooks.post(url, { dialect: 'ses', headers, body: JSON.stringify(body) });
  }
}

import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import {
  createWebhookSender,
  type WebhookSender,
} from '../../../src/simulator/dialects/standard/webhooks.ts';
import { webhookSecret } from '../../support/harness.ts';
import type { Interaction } from '../agreement.ts';
import { FORGED, GOOD, SIGNATURE } from './signatures.ts';

const { regex } = MatchersV3;
const OTHER_SECRET = `whsec_${Buffer.alloc(24, 'other').toString('base64')}`;

export interface Webhook extends Pick<Interaction, 'is' | 'given'> {
  path: string;
  body: object;
  /** Whether it is signed with a secret that is not the provider's. */
  forged?: boolean;
  /** Makes the event as the provider does, and hands it to its sender. */
  sends(sender: WebhookSender, url: string): Promise<void>;
}

/**
 * A webhook as an interaction. Of the answer the provider only needs the status, by which it knows whether to repeat
 * itself.
 */
export function webhook({ is, given, path, body, forged = false, sends }: Webhook): Interaction {
  return {
    is,
    ...(given && { given }),
    request: {
      method: 'POST',
      path,
      headers: {
        'webhook-id': regex(/^[!-~]{1,255}$/, 'evt_1'),
        'webhook-timestamp': regex(/^\d{10}$/, '1730469600'),
        'webhook-signature': regex(SIGNATURE, forged ? FORGED : GOOD),
      },
      body,
    },
    response: { status: forged ? 401 : 200 },
    asks: async (url) => {
      const sender = createWebhookSender(forged ? OTHER_SECRET : webhookSecret);
      const statuses: number[] = [];
      const post: WebhookSender['post'] = async (...delivery) => {
        const answer = await sender.post(...delivery);
        statuses.push(answer.status);
        return answer;
      };
      // Once: what does not match the contract would be delivered again and again.
      await sends(
        { ...sender, post, deliver: async (to, id, event) => (await post(to(), id, event)).status < 300 },
        url,
      );
      sender.cut();
      expect(statuses).to.deep.equal([forged ? 401 : 200]);
    },
  };
}

/** Delivers an event once, as it does those that come in. */
export async function deliver(sender: WebhookSender, url: string, event: object): Promise<void> {
  const { status } = await sender.post(url, 'evt_1', event);
  expect(status).to.be.oneOf([200, 401]);
}

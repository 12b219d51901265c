import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { uuidOf, vonageAccount } from '../../support/vonage.ts';
import type { Interaction } from '../agreement.ts';
import { once } from '../provider-api/adapter.ts';
import { link } from '../shapes.ts';
import { GOOD, TOKEN, WRONG } from './signatures.ts';

const { regex, string } = MatchersV3;

export const UUID = uuidOf(1);
export const CALLBACK = 'https://messaging.example/api/webhooks/vonage';
export const ECHO = '1-ihwPbl0bTFedDj8LakwuAQ';
/** A number in E.164 without `+`. */
export const digits = (example: string) => regex(/^[1-9]\d{6,14}$/, example.replace('+', ''));
export const echo = () => regex(/^[\w-]{24,36}$/, ECHO);

interface Sending {
  message: Outgoing;
  /** The content in place of a text. */
  content?: object;
  wrongToken?: boolean;
  outcome: Partial<SendOutcome>;
}

/** A request to send a message, by the adapter of the service. */
export function sending(
  { message, content, wrongToken = false, outcome }: Sending,
  about: Pick<Interaction, 'is' | 'given' | 'response'>,
): Interaction {
  return {
    ...about,
    request: {
      method: 'POST',
      path: '/v1/messages',
      headers: { Authorization: regex(TOKEN, wrongToken ? WRONG : GOOD) },
      body: {
        ...(content ?? { channel: 'sms', message_type: 'text', text: string(message.body) }),
        to: digits(message.to[0] as string),
        from: digits(message.from),
        client_ref: echo(),
        webhook_url: link(CALLBACK),
        webhook_version: 'v1',
      },
    },
    asks: async (url) => {
      const { accounts } = loadConfig({ SMS_PROVIDERS: 'vonage', ...vonageAccount(url) });
      const adapter = createRegistry(accounts, 10_000).sms[0] as Provider;
      expect(await adapter.send(message, { ...once(), webhookUrl: CALLBACK })).to.deep.include(outcome);
    },
  };
}

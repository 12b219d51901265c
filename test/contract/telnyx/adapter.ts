import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { PROFILE_ID } from '../../../src/simulator/dialects/telnyx/message.ts';
import { PUBLIC_KEY } from '../../support/telnyx.ts';
import type { Interaction } from '../agreement.ts';
import { once } from '../provider-api/adapter.ts';
import { filled, phone, uuid } from '../shapes.ts';

const { eachLike, regex } = MatchersV3;

export const KEY = 'provider-key';
export const WRONG_KEY = 'wrong-key';
export const ID = '40385f64-5717-4562-b3fc-2c963f66afa6';
const CALLBACK = 'https://messaging.example/api/webhooks/telnyx';

type Case = Pick<Interaction, 'is' | 'given' | 'response'>;

interface Sending {
  message: Outgoing;
  /** The fields of the request that differ from those of an SMS. */
  body?: object;
  key?: string;
  withProfile?: boolean;
  outcome: Partial<SendOutcome>;
}

/** A request to send a message, by the adapter of the service. */
export function sending(
  { message, body = {}, key = KEY, withProfile = false, outcome }: Sending,
  about: Case,
): Interaction {
  const isGroup = message.to.length > 1;
  return {
    ...about,
    request: {
      method: 'POST',
      path: isGroup ? '/v2/messages/group_mms' : '/v2/messages',
      headers: bearer(key),
      body: {
        from: phone(message.from),
        ...(message.body !== '' && { text: filled(message.body) }),
        ...(isGroup
          ? { to: eachLike(phone(message.to[0] as string), message.to.length) }
          : { to: phone(message.to[0] as string), type: 'SMS' }),
        ...(withProfile && { messaging_profile_id: uuid(PROFILE_ID) }),
        webhook_url: regex(
          /^https?:\/\/\S+\?echo=[\w-]{24,36}$/,
          `${CALLBACK}?echo=1-ihwPbl0bTFedDj8LakwuAQ`,
        ),
        ...body,
      },
    },
    asks: async (url) => {
      const context = { ...once(), webhookUrl: CALLBACK };
      expect(await adapter(url, key, withProfile).send(message, context)).to.deep.include(outcome);
    },
  };
}

/** The check of the API key. */
export function checking(withProfile: boolean, about: Case): Interaction {
  return {
    ...about,
    request: {
      method: 'GET',
      path: withProfile ? `/v2/messaging_profiles/${PROFILE_ID}` : '/v2/messaging_profiles',
      headers: bearer(KEY),
      ...(!withProfile && { query: { 'page[size]': regex(/^\d{1,3}$/, '1') } }),
    },
    asks: async (url) => {
      const [check] = (await adapter(url, KEY, withProfile).check?.(once())) ?? [];
      expect(check?.result, check?.text).to.equal('ok');
    },
  };
}

function bearer(key: string) {
  return { Authorization: regex(/^Bearer \S+$/, `Bearer ${key}`) };
}

/** The adapter as the service makes it of its configuration. */
function adapter(url: string, key: string, withProfile: boolean): Provider {
  const { accounts } = loadConfig({
    ...{ SMS_PROVIDERS: 'telnyx', TELNYX_URL: url, TELNYX_API_KEY: key, TELNYX_PUBLIC_KEY: PUBLIC_KEY },
    ...(withProfile && { TELNYX_MESSAGING_PROFILE_ID: PROFILE_ID }),
  });
  return createRegistry(accounts, 10_000).sms[0] as Provider;
}

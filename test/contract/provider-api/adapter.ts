import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { LookUp, Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import type { Interaction } from '../agreement.ts';
import { code, providerId, uuid } from '../shapes.ts';

const { eachLike, fromProviderState, matchStatus, regex } = MatchersV3;

export type Channel = 'sms' | 'email';
export const KEY = 'provider-key';
/** A repeat would ask for the same. Made for each call: the time runs from then on, not from when the tests were loaded. */
export const once = () => ({
  once: true,
  mayHaveBeenAccepted: false,
  webhookUrl: null,
  mayContinue: async () => true,
  signal: AbortSignal.timeout(30_000),
});
const WRONG_KEY = 'wrong-key';
const SENT_KEY = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e01';
const TAKEN_KEY = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e02';
const UNKNOWN_KEY = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e03';

type Case = Pick<Interaction, 'is' | 'given' | 'response'>;

export interface Sending {
  channel: Channel;
  message: Outgoing;
  /** What the provider is given of the message. */
  body: object;
  key?: string;
  outcome: Partial<SendOutcome>;
}

/** A request to take a message, made by the real adapter. */
export function sending({ channel, message, body, key = KEY, outcome }: Sending, about: Case): Interaction {
  return {
    ...about,
    request: {
      method: 'POST',
      path: `/${channel}/messages`,
      headers: { ...bearer(key), 'Idempotency-Key': uuid(message.delivery_key) },
      body,
    },
    asks: async (url) => {
      expect(await adapter(channel, url, key).send(message, once())).to.deep.include(outcome);
    },
  };
}

/** What is answered to a request to take a message: that it was taken, and each failure that is acted upon. */
export function answers(channel: Channel, plain: Sending, refused: Sending): Interaction[] {
  const failing = (outcome: Sending['outcome'], about: Case, key = KEY) =>
    sending({ ...plain, outcome, key }, about);
  return [
    sending(
      { ...refused, outcome: { outcome: 'rejected', httpStatus: 400, code: 'invalid_recipient' } },
      {
        is: `a request to send to ${channel === 'sms' ? 'a number' : 'an address'} that is refused`,
        given: ['a recipient is refused', { channel }],
        response: {
          status: matchStatus(400, [400, 422]),
          body: { error: { code: code('invalid_recipient') } },
        },
      },
    ),
    failing(
      { outcome: 'unavailable', httpStatus: 401 },
      { is: 'a request to send with a key that is wrong', response: { status: 401 } },
      WRONG_KEY,
    ),
    failing(
      { outcome: 'throttled', httpStatus: 429, retryAfterMs: 30_000 },
      {
        is: 'a request to send above the rate limit of the provider',
        given: ['the provider throttles requests'],
        response: { status: 429, headers: { 'Retry-After': regex(/^\d+$/, '30') } },
      },
    ),
    failing(
      { outcome: 'unavailable', httpStatus: 503 },
      {
        is: 'a request to send while the provider is unavailable',
        given: ['the provider is unavailable'],
        response: { status: 503 },
      },
    ),
  ];
}

/** What is answered to the question what became of a message. */
export function lookUps(channel: Channel): Interaction[] {
  const id = channel === 'sms' ? 'sms_1' : 'eml_1';
  const lookUp = (message: Outgoing, result: LookUp, about: Case): Interaction => ({
    ...about,
    request: {
      method: 'GET',
      path: `/${channel}/messages`,
      headers: bearer(KEY),
      query: { idempotency_key: uuid(message.delivery_key) },
    },
    asks: async (url) => {
      expect(await adapter(channel, url, KEY).lookUp(message, once())).to.deep.equal(result);
    },
  });
  const withKey = (delivery_key: string) =>
    outgoing({ type: channel, from: 'from', to: ['to'], delivery_key });
  return [
    lookUp(
      withKey(TAKEN_KEY),
      { found: true, providerMessageId: id },
      {
        is: 'a look-up of a message that was taken',
        given: ['a message was accepted', { channel, idempotency_key: TAKEN_KEY }],
        response: { status: 200, body: { data: eachLike({ id: providerId(id) }) } },
      },
    ),
    lookUp(
      withKey(UNKNOWN_KEY),
      { found: false },
      {
        is: 'a look-up of an unknown message',
        response: { status: 200, body: { data: [] } },
      },
    ),
    lookUp(withKey(TAKEN_KEY), 'inconclusive', {
      is: 'a look-up at a provider without look-up',
      given: ['there is no look-up'],
      response: { status: matchStatus(501, [404, 405, 501, 503]) },
    }),
  ];
}

/** The recipient is the provider's own choice. */
export function refusedRecipient(example: string) {
  return fromProviderState('recipient', example);
}

function bearer(key: string) {
  return { Authorization: regex(/^Bearer \S+$/, `Bearer ${key}`) };
}

/** As the service makes it of its configuration. */
function adapter(channel: Channel, url: string, key: string) {
  const names = { SMS_PROVIDERS: 'text-co', EMAIL_PROVIDERS: 'mail-co' };
  const traits = { TEXT_CO_URL: url, TEXT_CO_KEY: key, MAIL_CO_URL: url, MAIL_CO_KEY: key };
  const { accounts } = loadConfig({ ...names, ...traits });
  const [provider] = createRegistry(accounts, 2_000)[channel];
  return provider as Provider;
}

/** A message as the adapters are given it. */
export function outgoing(message: Partial<Outgoing> & Pick<Outgoing, 'type' | 'from' | 'to'>): Outgoing {
  return {
    id: 1,
    delivery_key: SENT_KEY,
    cc: null,
    bcc: null,
    reply_to: null,
    subject: null,
    body: 'Hello!',
    files: [],
    email: null,
    created_at: new Date('2024-11-01T14:00:00.000Z'),
    timestamp: new Date('2024-11-01T14:00:00.000Z'),
    ...message,
  };
}

/** What is read of the answer to a message that was taken: that it is a success, and the id. */
export function taken(id: string) {
  const status = matchStatus(202, MatchersV3.HTTPResponseStatusClass.Success);
  return { status, body: { id: providerId(id) } };
}

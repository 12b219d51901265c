import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { type Email, referenceEmail } from '../../support/mail.ts';
import type { Interaction } from '../agreement.ts';
import { once } from '../provider-api/adapter.ts';
import { filled, uuid } from '../shapes.ts';

const { regex } = MatchersV3;

export const KEY = 'provider-key';
export const WRONG_KEY = 'wrong-key';
export const ID = '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794';
export const DELIVERY_KEY = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e01';

type Case = Pick<Interaction, 'is' | 'given' | 'response'>;

interface Sending {
  message: Email;
  /** The fields of the request that differ from those of a plain email. */
  body?: object;
  key?: string;
  outcome: Partial<SendOutcome>;
}

/** An email with a text only. */
export function plainEmail(to: string): Email {
  const message = referenceEmail({
    to: [to],
    cc: null,
    bcc: null,
    reply_to: null,
    files: [],
    subject: 'Hello',
  });
  const email = { ...message.email, text: 'Hello!', html: null, inReplyTo: null, references: [] };
  return {
    ...{ ...message, delivery_key: DELIVERY_KEY },
    email: { ...email, headers: {}, names: {}, envelope: [to] },
  };
}

/** An address, with or without a name. */
export const mailbox = (example: string) => regex(/^[^<>@]*<?[^\s<>@]+@[^\s<>@]+>?$/, example);

/** A request to send an email, by the adapter of the service. */
export function sending({ message, body = {}, key = KEY, outcome }: Sending, about: Case): Interaction {
  return {
    ...about,
    request: {
      method: 'POST',
      path: '/emails',
      headers: { ...bearer(key), 'Idempotency-Key': uuid(message.delivery_key) },
      body: {
        from: mailbox(message.from),
        to: [mailbox(String(message.to[0]))],
        ...{ subject: filled('Hello'), text: filled('Hello!') },
        tags: [{ name: 'echo', value: regex(/^[\w-]{24,36}$/, '16-ihwPbl0bTFedDj8LakwuAQ') }],
        ...body,
      },
    },
    asks: async (url) => {
      expect(await adapter(url, key).send(message, once())).to.deep.include(outcome);
    },
  };
}

/** The check of the API key. */
export function checking(about: Case): Interaction {
  return {
    ...about,
    request: { method: 'GET', path: '/domains', headers: bearer(KEY) },
    asks: async (url) => {
      const [check] = (await adapter(url, KEY).check?.(once())) ?? [];
      expect(check?.result, check?.text).to.equal('ok');
    },
  };
}

function bearer(key: string) {
  return { Authorization: regex(/^Bearer \S+$/, `Bearer ${key}`) };
}

/** The adapter as the service makes it of its configuration. */
function adapter(url: string, key: string): Provider {
  const { accounts } = loadConfig({ EMAIL_PROVIDERS: 'resend', RESEND_URL: url, RESEND_API_KEY: key });
  return createRegistry(accounts, 10_000).email[0] as Provider;
}

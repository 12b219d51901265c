import { MatchersV3 } from '@pact-foundation/pact';
import { expect } from 'chai';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { LookUp, Provider, SendOutcome } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { ACCOUNT_SID } from '../../../src/simulator/dialects/twilio/dialect.ts';
import type { Interaction } from '../agreement.ts';
import type { Form } from '../form.ts';
import { once } from '../provider-api/adapter.ts';
import { phone } from '../shapes.ts';

const { regex, string } = MatchersV3;

export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
export const WRONG_TOKEN = 'wrong-key'.padEnd(32, '0');
export const PATH = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`;
export const SID = `SM${'0123456789abcdef'.repeat(2)}`;
export const messageSid = regex(/^(SM|MM)[0-9a-fA-F]{32}$/, SID);
export const CALLBACK = 'https://messaging.example/api/webhooks/twilio';
export const MESSAGING_SERVICE_SID = `MG${'0123456789abcdef'.repeat(2)}`;

type Case = Pick<Interaction, 'is' | 'given' | 'response'>;

interface Sending {
  message: Outgoing;
  /** The parameters of the form that differ from those of an SMS. */
  form?: Form;
  token?: string;
  messagingService?: boolean;
  outcome: Partial<SendOutcome>;
}

/** A request to send a message, by the adapter of the service. */
export function sending(
  { message, form = {}, token = AUTH_TOKEN, messagingService = false, outcome }: Sending,
  about: Case,
): Interaction {
  return {
    ...about,
    request: {
      method: 'POST',
      path: PATH,
      headers: basic(token),
      form: {
        To: phone(message.to[0] as string),
        From: phone(message.from),
        ...(messagingService && {
          MessagingServiceSid: regex(/^MG[0-9a-fA-F]{32}$/, MESSAGING_SERVICE_SID),
        }),
        ...(message.body !== '' && { Body: string(message.body) }),
        ...form,
        StatusCallback: regex(
          /^https?:\/\/\S+\?echo=[\w-]{24,36}$/,
          `${CALLBACK}?echo=1-ihwPbl0bTFedDj8LakwuAQ`,
        ),
      },
    },
    asks: async (url) => {
      const context = { ...once(), webhookUrl: CALLBACK };
      expect(await adapter(url, token, messagingService).send(message, context)).to.deep.include(outcome);
    },
  };
}

/** A look-up by recipient, sender and time. */
export function lookUp(message: Outgoing, result: LookUp, about: Case): Interaction {
  return {
    ...about,
    request: {
      method: 'GET',
      path: PATH,
      headers: basic(AUTH_TOKEN),
      query: {
        To: phone(message.to[0] as string),
        From: phone(message.from),
        'DateSent>': regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, '2024-11-01T13:59:00Z'),
        PageSize: regex(/^\d{1,4}$/, '50'),
      },
    },
    asks: async (url) => {
      expect(await adapter(url, AUTH_TOKEN).lookUp(message, once())).to.deep.equal(result);
    },
  };
}

function basic(token: string) {
  const credentials = Buffer.from(`${ACCOUNT_SID}:${token}`).toString('base64');
  return { Authorization: regex(/^Basic [A-Za-z0-9+/]+=*$/, `Basic ${credentials}`) };
}

/** The adapter as the service makes it of its configuration. */
function adapter(url: string, token: string, messagingService = false): Provider {
  const { accounts } = loadConfig({
    ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: url },
    ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: token },
    ...(messagingService && { TWILIO_MESSAGING_SERVICE_SID: MESSAGING_SERVICE_SID }),
  });
  return createRegistry(accounts, 10_000).sms[0] as Provider;
}

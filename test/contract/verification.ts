/**
 * Runs one verification, in a process of its own: Pact prints its report past Node, so only from outside can it be
 * kept back. What comes to be as an interaction presumes is the parent's work; it is asked by message.
 */
import { once } from 'node:events';
import { MessageProviderPact, Verifier } from '@pact-foundation/pact';
import type { RequestHandler } from 'express';
import { encodeForm } from '../../bin/encode-form.ts';
import { signSvixAnew } from './resend/signatures.ts';
import { signSendGridAnew } from './sendgrid/signatures.ts';
import { signAwsAnew } from './ses/signatures.ts';
import { signEventAnew } from './telnyx/signatures.ts';
import { signFormAnew } from './twilio/signatures.ts';
import { signVonageAnew, type VonageSigner } from './vonage/signatures.ts';
import { signAnew } from './webhooks/signatures.ts';

export interface Job {
  provider: string;
  url: string;
  file: string;
  states: string[];
  /** What webhooks are signed with, where it is webhooks. */
  webhookSecret?: string;
  /** The auth token of Twilio, where the webhooks are Twilio's. */
  authToken?: string;
  /** The seed of the key of Telnyx, where the webhooks are Telnyx's. */
  telnyxSeed?: string;
  /** The secret access key that requests to SES are signed with. */
  awsSecret?: string;
  /** The text from which the key of SendGrid is made, where the webhooks are SendGrid's. */
  sendgridSecret?: string;
  /** What webhooks of Resend are signed with. */
  svixSecret?: string;
  /** What requests to Vonage and its webhooks are signed with, where they are Vonage's. */
  vonage?: VonageSigner;
  /** The messages of an asynchronous contract, by the descriptions of its interactions. */
  messages?: Record<string, object>;
}
/** What the parent is asked to do; it answers with the values that the contract takes from the provider. */
export interface Wish {
  state: string;
  action: 'setUp' | 'cleanUp';
  parameters: Record<string, string>;
}

const job = JSON.parse(process.argv[2] ?? '') as Job;
const { provider, url, file, states, messages } = job;

async function ask(wish: Wish) {
  process.send?.(wish);
  const [answer] = await once(process, 'message');
  return answer;
}

const handler = (state: string) => ({
  setup: (parameters: unknown) =>
    ask({ state, action: 'setUp', parameters: parameters as Wish['parameters'] }),
  teardown: () => ask({ state, action: 'cleanUp', parameters: {} }),
});

function signer({
  webhookSecret,
  authToken,
  telnyxSeed,
  svixSecret,
  sendgridSecret,
  awsSecret,
  vonage,
}: Job): RequestHandler | null {
  if (webhookSecret) return signAnew(webhookSecret);
  if (authToken) return signFormAnew(authToken, url);
  if (telnyxSeed) return signEventAnew(telnyxSeed);
  if (awsSecret) return signAwsAnew(awsSecret, url);
  if (svixSecret) return signSvixAnew(svixSecret);
  if (sendgridSecret) return signSendGridAnew(sendgridSecret);
  return vonage ? signVonageAnew(vonage) : null;
}

const sign = signer(job);
const filter: RequestHandler = (request, response, next) => {
  const encode = () => encodeForm(request, response, next);
  if (sign) sign(request, response, encode);
  else encode();
};

const common = { provider, pactUrls: [file], logLevel: 'error' as const };

function verifyMessages(byDescription: Record<string, object>): Promise<unknown> {
  const messageProviders = Object.fromEntries(
    Object.entries(byDescription).map(([description, message]) => [description, async () => message]),
  );
  return new MessageProviderPact({ ...common, messageProviders }).verify();
}

function verifyResponses(): Promise<unknown> {
  return new Verifier({
    ...common,
    providerBaseUrl: url,
    stateHandlers: Object.fromEntries(states.map((state) => [state, handler(state)])),
    requestFilter: filter,
  }).verifyProvider();
}

await (messages ? verifyMessages(messages) : verifyResponses()).then(
  () => process.exit(0),
  () => process.exit(1),
);

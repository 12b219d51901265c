import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Contract, contractPath, readContract } from './contract-file.ts';
import type { Job, Wish } from './verification.ts';
import type { VonageSigner } from './vonage/signatures.ts';

/** How a provider comes to be as an interaction presumes, and back. */
export interface State {
  /** Answers the values that the contract takes from the provider. */
  setUp(parameters: Record<string, string>): Promise<Record<string, string | number>>;
  cleanUp(): Promise<void>;
}
export type States = Record<string, State>;

export interface Verification {
  consumer: string;
  provider: string;
  url: string;
  states: States;
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

/**
 * Plays the committed contract of two sides to a running provider.
 *
 * @throws where an answer is not as agreed, with Pact's report, and where a state is unknown or cannot be reached,
 * which Pact would pass over.
 */
export async function verify({ consumer, provider, url, states, ...more }: Verification): Promise<void> {
  const contract = JSON.parse(await readContract(consumer, provider)) as Contract;
  const names = contract.interactions.flatMap(({ providerStates = [] }) =>
    providerStates.map(({ name }) => name),
  );
  const unknown = names.filter((name) => !Object.hasOwn(states, name));
  if (unknown.length > 0) throw new Error(`No set-up for: ${[...new Set(unknown)].join(', ')}`);

  const job: Job = {
    provider,
    url,
    file: contractPath(consumer, provider),
    states: Object.keys(states),
    ...more,
  };
  // Nothing of src/ runs in there that coverage would be of.
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const child = fork('test/contract/verification.ts', [JSON.stringify(job)], { silent: true, env });
  let report = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      report += chunk;
    });
  }
  const faults: unknown[] = [];
  child.on('message', async ({ state, action, parameters }: Wish) => {
    const answer = await states[state]?.[action](parameters).catch((fault) => void faults.push(fault));
    child.send(answer ?? {});
  });
  const [code] = await once(child, 'close');
  if (faults.length > 0)
    throw new AggregateError(faults, `A state could not be reached: ${faults.join('; ')}`);
  if (code !== 0) throw new Error(report);
}

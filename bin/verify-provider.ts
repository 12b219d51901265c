import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Verifier } from '@pact-foundation/pact';
import { encodeForm } from './encode-form.ts';
import { type Gateway, startGateway } from './provider-gateway.ts';

const HELP = `Usage: bin/verify-provider --provider NAME --url URL [options]

Verifies a provider's API, for example its sandbox, against the contracts of the messaging service.

  --provider NAME                   sms-provider, email-provider, twilio, telnyx or vonage
  --url URL                         the base URL of the provider's API
  --header 'NAME: VALUE'            sent with each request, for example the key of the sandbox; may be repeated
  --provider-states-setup-url URL   receives the state of each interaction by POST; without this URL only
                                    interactions without a state are verified
  --timeout MS                      for each request to the provider and to the set-up URL; default 10000
  --description REGEX               only interactions whose description matches
  --broker-url URL                  reads the contracts from this Pact broker instead of contracts/;
                                    the token is read from PACT_BROKER_TOKEN
  --provider-version VERSION        publishes the result for this version to the broker; requires the whole
                                    contract: --provider-states-setup-url and no --description
  --provider-branch BRANCH          the branch of the published result
  --help                            prints this text

Exit code: 0 if the provider passes, 1 if the provider fails, 2 for a wrong option.
`;

type VerifierOptions = ConstructorParameters<typeof Verifier>[0];

/** The key in the contracts for the request that the provider must refuse; `--header` does not replace this key. */
const WRONG_KEY = 'wrong-key';
const CONTRACTS = join(import.meta.dirname, '../contracts');

class UsageError extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      provider: { type: 'string' },
      url: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      'provider-states-setup-url': { type: 'string' },
      timeout: { type: 'string', default: '10000' },
      description: { type: 'string' },
      'broker-url': { type: 'string' },
      'provider-version': { type: 'string' },
      'provider-branch': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

type Options = ReturnType<typeof readOptions>;

/** The fields of an interaction in a Pact file that the summary reads. */
interface Interaction {
  description: string;
  providerStates?: object[];
}

interface Target {
  provider: string;
  url: string;
  timeoutMs: number;
}

function readTarget({ provider, url, timeout }: Options): Target {
  if (!provider) throw new UsageError('--provider is missing');
  if (!url || !URL.canParse(url)) throw new UsageError('--url is missing or not a URL');
  if (!/^[1-9]\d{0,5}$/.test(timeout)) throw new UsageError('--timeout is not a number of milliseconds');
  return { provider, url: url.replace(/\/+$/, ''), timeoutMs: Number(timeout) };
}

function verifierOptions(
  options: Options,
  { provider, timeoutMs }: Target,
  { url, statesUrl }: Pick<Gateway, 'url' | 'statesUrl'>,
): VerifierOptions {
  return {
    provider,
    providerBaseUrl: url,
    ...source(provider, options),
    ...(options['provider-states-setup-url'] && { providerStatesSetupUrl: statesUrl }),
    failIfNoPactsFound: true,
    followRedirects: false,
    requestFilter: encodeForm,
    // Longer than the timeout of the gateway, because the gateway reports the reason.
    timeout: timeoutMs + 10_000,
    logLevel: 'error',
  };
}

function source(provider: string, options: Options): Partial<VerifierOptions> {
  const { 'broker-url': pactBrokerUrl, 'provider-version': version, 'provider-branch': branch } = options;
  if (version && !pactBrokerUrl) throw new UsageError('--provider-version requires --broker-url');
  if (version && (options.description || !options['provider-states-setup-url']))
    throw new UsageError('--provider-version requires --provider-states-setup-url and no --description');
  if (pactBrokerUrl) {
    return {
      pactBrokerUrl,
      consumerVersionSelectors: [{ mainBranch: true }, { deployedOrReleased: true }],
      ...(version && { publishVerificationResult: true, providerVersion: version }),
      ...(branch && { providerVersionBranch: branch }),
    };
  }
  const pactUrls = contractsOf(provider);
  if (pactUrls.length === 0) throw new UsageError(`there is no contract with a provider ${provider}`);
  return { pactUrls };
}

function contractsOf(provider: string): string[] {
  const files = readdirSync(CONTRACTS).filter((file) => file.endsWith(`-${provider}.json`));
  return files.map((file) => join(CONTRACTS, file));
}

function readHeader(header: string): [name: string, value: string] {
  const [, name, value] = /^([\w-]+):\s*(.+)$/.exec(header) ?? [];
  if (!name || !value) throw new UsageError(`--header ${header.split(':')[0]} is not 'NAME: VALUE'`);
  return [name.toLowerCase(), value];
}

function setHeaders(headers: [name: string, value: string][]): (sent: Headers) => void {
  return (sent) => {
    for (const [name, value] of headers) {
      if (name !== 'authorization' || !isWrong(sent.get(name) ?? '')) sent.set(name, value);
    }
  };
}

/** Whether an `Authorization` header has the wrong key: in front of a bearer key, or of the password of Basic credentials. */
function isWrong(authorization: string): boolean {
  const [scheme, credentials = ''] = authorization.split(' ', 2);
  if (scheme === 'Bearer') return credentials.startsWith(WRONG_KEY);
  return Buffer.from(credentials, 'base64').toString().includes(`:${WRONG_KEY}`);
}

/** Pact reads its filters from the environment only. */
function setFilters({ description, 'provider-states-setup-url': setUpUrl }: Options): void {
  if (description) process.env.PACT_DESCRIPTION = description;
  if (setUpUrl) return;
  process.env.PACT_PROVIDER_NO_STATE = 'true';
  process.stdout.write(
    'Without --provider-states-setup-url only interactions without a state are verified.\n',
  );
}

/** Checks that the provider responds at all, because Pact needs minutes to report a provider that does not respond. */
async function assertReachable({ url, timeoutMs }: Target): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  await fetch(url, { method: 'HEAD', redirect: 'manual', signal }).catch(({ message, cause }) => {
    const reason = signal.aborted ? `no response within ${timeoutMs} ms` : (cause?.message ?? message);
    throw new Error(`${url} cannot be reached: ${reason}`);
  });
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const target = readTarget(options);
  const headers = options.header.map(readHeader);
  source(target.provider, options);
  await assertReachable(target);
  setFilters(options);
  const gateway = await startGateway({
    ...target,
    statesUrl: options['provider-states-setup-url'],
    setHeaders: setHeaders(headers),
    onFault: (fault) => void process.stderr.write(`verify-provider: ${fault}\n`),
  });
  const passed = await verify(verifierOptions(options, target, gateway));
  gateway.stop();
  if (!passed || gateway.faults.length > 0) return 1;
  if (!options['broker-url']) process.stdout.write(`\n${summary(target.provider, options)}\n`);
  return 0;
}

/** The numbers of interactions in `contracts/` that were verified and skipped. */
function summary(
  provider: string,
  { description = '', 'provider-states-setup-url': setUpUrl }: Options,
): string {
  const interactions = contractsOf(provider)
    .flatMap((path): Interaction[] => JSON.parse(readFileSync(path, 'utf8')).interactions)
    .filter((interaction) => new RegExp(description).test(interaction.description));
  const skipped = setUpUrl ? [] : interactions.filter(({ providerStates = [] }) => providerStates.length > 0);
  const verified = `${provider}: ${interactions.length - skipped.length} interactions verified`;
  if (skipped.length === 0) return verified;
  return `${verified}, ${skipped.length} skipped (they need --provider-states-setup-url)`;
}

async function verify(options: VerifierOptions): Promise<boolean> {
  // Loaded late, because loading is slow.
  const { Verifier } = await import('@pact-foundation/pact');
  return new Verifier(options).verifyProvider().then(
    () => true,
    () => false,
  );
}

function fail(error: Error & { code?: string }): void {
  const wrongOption = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`verify-provider: ${error.message}\n${wrongOption ? `\n${HELP}` : ''}`);
  process.exit(wrongOption ? 2 : 1);
}

await main().then((code) => process.exit(code), fail);

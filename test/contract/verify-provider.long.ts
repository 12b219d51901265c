import { expect } from 'chai';
import { createTokens } from '../../src/providers/vonage/token.ts';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { APPLICATION_ID as VONAGE_APPLICATION } from '../../src/simulator/dialects/vonage/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { runToEnd } from '../support/process.ts';
import { PRIVATE_KEY } from '../support/vonage.ts';
import { startBroker } from './broker.ts';
import { readContract } from './contract-file.ts';
import { simulatorStates } from './simulator-states.ts';
import { startStatesServer } from './states-server.ts';

const SANDBOX_KEY = 'sandbox-key';
const TOKEN = 'broker-token';
const KEYED = ['--header', `Authorization: Bearer ${SANDBOX_KEY}`];

function verifyProvider(args: string[], environment: Record<string, string> = {}) {
  return runToEnd('bin/verify-provider', args, environment);
}

describe('bin/verify-provider', () => {
  let sandbox: Simulator;
  before(async () => {
    sandbox = await startSimulator({ apiKey: SANDBOX_KEY, settings: { receipts: { enabled: false } } });
  });
  after(() => sandbox.stop());
  afterEach(() => fetch(`${sandbox.url}/_control/reset`, { method: 'POST' }));

  const sms = () => ['--provider', 'sms-provider', '--url', sandbox.url, ...KEYED];

  it('exits with 0 for a sandbox that meets the contract, after setting up the state of each interaction', async () => {
    const states = await startStatesServer(simulatorStates(sandbox.url, SANDBOX_KEY));
    const { code, stdout } = await verifyProvider([...sms(), '--provider-states-setup-url', states.url]);
    states.stop();
    expect(code, stdout).to.equal(0);
    expect(stdout).to.include('a look-up at a provider without look-up');
    expect(stdout).to.match(/\nsms-provider: 10 interactions verified\n$/);
    expect(states.asked).to.deep.include.members([
      { state: 'the provider throttles requests', action: 'setup' },
      { state: 'the provider throttles requests', action: 'teardown' },
    ]);
  });

  it('verifies only interactions without a state when no URL for states is given, and reports this', async () => {
    const { code, stdout } = await verifyProvider([
      '--provider',
      'email-provider',
      '--url',
      sandbox.url,
      ...KEYED,
    ]);
    expect(code, stdout).to.equal(0);
    expect(stdout).to.include('only interactions without a state');
    const skipped = '5 skipped (they need --provider-states-setup-url)';
    expect(stdout).to.satisfy((text: string) =>
      text.endsWith(`\nemail-provider: 5 interactions verified, ${skipped}\n`),
    );
    expect(stdout).to.include('a request to send an email with HTML').and.not.include('unavailable');
  });

  it('verifies an API that is compatible with Twilio', async () => {
    const credentials = Buffer.from(`${ACCOUNT_SID}:${SANDBOX_KEY}`).toString('base64');
    const { code, stdout } = await verifyProvider([
      ...['--provider', 'twilio', '--url', `${sandbox.url}/twilio`],
      ...['--header', `Authorization: Basic ${credentials}`],
    ]);
    expect(code, stdout).to.equal(0);
    expect(stdout).to.include('a request to send with wrong credentials');
    expect(stdout).to.match(/\ntwilio: 9 interactions verified, 3 skipped /);
  });

  it('verifies an API that is compatible with Telnyx', async () => {
    const { code, stdout } = await verifyProvider([
      ...['--provider', 'telnyx', '--url', `${sandbox.url}/telnyx`],
      ...['--header', `Authorization: Bearer ${SANDBOX_KEY}`],
    ]);
    expect(code, stdout).to.equal(0);
    expect(stdout).to.include('a request to send a group MMS').and.include('with a wrong key');
    expect(stdout).to.match(/\ntelnyx: 10 interactions verified, 2 skipped /);
  });

  it('verifies an API that is compatible with Vonage', async () => {
    const token = createTokens(VONAGE_APPLICATION, PRIVATE_KEY)();
    const { code, stdout } = await verifyProvider([
      ...['--provider', 'vonage', '--url', `${sandbox.url}/vonage`],
      ...['--header', `Authorization: Bearer ${token}`],
    ]);
    expect(code, stdout).to.equal(0);
    expect(stdout).to.include('a request to send with wrong credentials');
    expect(stdout).to.match(/\nvonage: 4 interactions verified, 5 skipped /);
  });

  it('exits with 1 and names the fault when the sandbox violates the contract', async () => {
    const faults = [{ channel: 'sms', type: 'malformed' }];
    await fetch(`${sandbox.url}/_control/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(faults),
    });
    const { code, stdout } = await verifyProvider([...sms(), '--description', 'to send an SMS$']);
    expect(code).to.equal(1);
    expect(stdout).to.match(/a request to send an SMS[\s\S]*There were 1 pact failures/);
  });

  it('exits with 1 when the sandbox refuses the key', async () => {
    const { code, stdout } = await verifyProvider(['--provider', 'sms-provider', '--url', sandbox.url]);
    expect(code).to.equal(1);
    expect(stdout).to.match(/expected .*202.* but was .*401/);
  });

  it('exits with 1 at once when nothing listens at the URL', async () => {
    const { url, stop } = await startSimulator();
    await stop();
    const { code, stderr } = await verifyProvider(['--provider', 'sms-provider', '--url', url]);
    expect(code).to.equal(1);
    expect(stderr).to.include(`${url} cannot be reached`);
  });

  it('reads the contracts from a broker and publishes the result for the given version', async () => {
    const broker = await startBroker(await readContract('messaging-service', 'sms-provider'), TOKEN);
    const states = await startStatesServer(simulatorStates(sandbox.url, SANDBOX_KEY));
    const whole = [...sms(), '--broker-url', broker.url, '--provider-states-setup-url', states.url];
    const args = [...whole, '--provider-version', '1.2.3'];
    const [{ code, stdout }, refused] = await Promise.all([
      verifyProvider(args, { PACT_BROKER_TOKEN: TOKEN }),
      verifyProvider(args, { PACT_BROKER_TOKEN: 'wrong' }),
    ]);
    broker.stop();
    states.stop();
    expect(code, stdout).to.equal(0);
    expect(broker.results).to.have.length(1);
    expect(broker.results[0]).to.deep.include({ success: true, providerApplicationVersion: '1.2.3' });
    expect(refused.code).to.equal(1);
  });

  it('refuses to publish a result for a part of the contract', async () => {
    const published = [...sms(), '--broker-url', 'http://127.0.0.1', '--provider-version', '1.2.3'];
    const { code, stderr } = await verifyProvider(published);
    expect(code).to.equal(2);
    expect(stderr).to.include('--provider-version requires --provider-states-setup-url');
  });

  it('prints its options with --help and exits with 2 for a wrong option', async () => {
    const [help, wrong, unknown] = await Promise.all([
      verifyProvider(['--help']),
      verifyProvider(['--provider', 'sms-provider', '--sandbox', sandbox.url]),
      verifyProvider(['--provider', 'fax-provider', '--url', sandbox.url]),
    ]);
    expect(help).to.deep.include({ code: 0, stderr: '' });
    expect(help.stdout).to.include('--provider-states-setup-url URL');
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.include("'--sandbox'");
    expect(unknown.code).to.equal(2);
    expect(unknown.stderr).to.include('there is no contract with a provider fax-provider');
  });
});

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { expect } from 'chai';
import express from 'express';
import { request } from 'undici';
import { parse } from 'yaml';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { simulatorStates } from '../contract/simulator-states.ts';
import { startStatesServer } from '../contract/states-server.ts';
import { listen } from '../support/listen.ts';
import { runToEnd } from '../support/process.ts';

interface Job {
  env: Record<string, string>;
  steps: { run?: string; uses?: string; env?: Record<string, string> }[];
}

const SANDBOX_KEY = 'sandbox-key';

/** A provider's sandbox: its API and a `/pact-states` route. */
async function startSandbox() {
  const simulator: Simulator = await startSimulator({
    apiKey: SANDBOX_KEY,
    settings: { receipts: { enabled: false } },
  });
  const states = await startStatesServer(simulatorStates(simulator.url, SANDBOX_KEY));
  const app = express().use(express.text({ type: () => true }), async (incoming, outgoing) => {
    const toStates = incoming.path === '/pact-states';
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = incoming.headers;
    const answer = await request(toStates ? states.url : simulator.url + incoming.originalUrl, {
      method: incoming.method as 'POST',
      headers,
      ...(typeof incoming.body === 'string' && { body: incoming.body }),
    });
    const { 'transfer-encoding': _encoding, ...passed } = answer.headers;
    outgoing.status(answer.statusCode).set(passed as Record<string, string>);
    outgoing.end(await answer.body.text());
  });
  const server = createServer(app);
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    asked: states.asked,
    stop: async () => {
      server.close();
      states.stop();
      await simulator.stop();
    },
  };
}

describe('The CI job for providers in docs/examples', function () {
  this.timeout(60_000);
  let sandbox: Awaited<ReturnType<typeof startSandbox>>;
  let job: Job;
  before(async () => {
    job = parse(await readFile('docs/examples/verify-provider.yml', 'utf8')).jobs.verify;
    sandbox = await startSandbox();
  });
  after(() => sandbox?.stop());

  /** Runs the steps in order and stops at the first step that fails. */
  const runSteps = async (key: string) => {
    let output = '';
    for (const { run, env = {} } of job.steps) {
      if (run === undefined) continue;
      const secrets = Object.keys(env).map((name) => [name, key]);
      const environment = { ...job.env, SANDBOX_URL: sandbox.url, ...Object.fromEntries(secrets) };
      const { code, stdout, stderr } = await runToEnd('bash', ['-e', '-c', run], environment);
      output += stdout + stderr;
      if (code !== 0) return { code, output };
    }
    return { code: 0, output };
  };

  it('passes for a sandbox that meets the contract', async () => {
    const { code, output } = await runSteps(SANDBOX_KEY);
    expect(code, output).to.equal(0);
    expect(output).to.contain('a request to send an SMS');
    expect(sandbox.asked.map(({ state }) => state)).to.include('there is no look-up');
  });

  it('fails if the sandbox refuses the key', async () => {
    const { code, output } = await runSteps('another-key');
    expect(code).to.equal(1);
    expect(output).to.match(/expected .*202.* but was .*401/);
  });

  it('uses only existing actions and secrets', () => {
    expect(job.steps.flatMap(({ uses }) => uses ?? [])).to.deep.equal([
      'actions/checkout@v4',
      'actions/setup-node@v4',
    ]);
    expect(Object.values(job.steps.at(-1)?.env ?? {})).to.deep.equal([`\${{ secrets.SANDBOX_KEY }}`]);
  });
});

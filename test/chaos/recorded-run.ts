import { seededRandom } from '../../src/simulator/random.ts';
import { startSimulator } from '../../src/simulator/server.ts';
import type { SettingsChange } from '../../src/simulator/settings.ts';
import { startHarness } from '../support/harness.ts';
import { freePort } from '../support/process.ts';
import { until } from '../support/until.ts';
import { check } from './checker/check.ts';
import { countPending, readProviders, readStored, recordStatusChanges } from './checker/collect.ts';
import type { Evidence, Modes } from './checker/evidence.ts';
import { sendAll } from './clients.ts';
import { accountOf, providerKey } from './provider-account.ts';
import { createSender } from './sender.ts';
import { makeWorkload } from './workload.ts';

/** No disruption is required. */
export const PLAN = {
  ...{ workerKills: 0, drainKills: 0, apiKills: 0, databaseRestarts: 0, providerOutages: 0, outageMs: 1_000 },
  ...{ failing: 0, lost: 0, ofEachFault: 0, ofEachState: 0 },
};

/** Runs the workload against the service and the simulator without disruptions. */
export async function runWorkload(
  modes: Modes,
  environment: Record<string, string>,
  faults: object[],
  settings: SettingsChange = {},
  providerTimeoutMs = 10_000,
): Promise<Evidence> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const mode = modes.sms ?? modes.email;
  const account = accountOf(modes);
  const simulator = await startSimulator({
    apiKey: providerKey,
    ...account?.simulator,
    settings: {
      ...{ service_url: url, honour_idempotency_keys: mode === 'keys', lookup: mode !== 'neither' },
      ...settings,
      receipts: { delay_ms: 5, failure_rate: 0.3, repeats: 1, disorder: true, ...settings.receipts },
    },
  });
  const accounts = (name: string) => ({ [`${name}_URL`]: simulator.url, [`${name}_KEY`]: providerKey });
  const service = await startHarness({
    ...{ PORT: String(port), PROVIDER_TIMEOUT_MS: String(providerTimeoutMs) },
    ...(account && { ...account.service(simulator), PUBLIC_URL: url }),
    ...(!account && accounts('TEXT_CO')),
    ...(!(account && modes.email) && accounts('MAIL_CO')),
    ...environment,
  });
  try {
    await recordStatusChanges(service.databaseUrl);
    const body = JSON.stringify(faults);
    const headers = { 'content-type': 'application/json' };
    await fetch(`${simulator.url}/_control/faults`, { method: 'PUT', headers, body });
    const signal = AbortSignal.timeout(30_000);
    const random = seededRandom(1);
    const sent = makeWorkload({ modes, conversations: 8, messagesEach: 3 }, random);
    await sendAll(sent, {
      send: createSender(service.url, 'none', signal),
      ...{ limit: 8, pauseMs: 5, repeated: 0.5, random, signal, onAcknowledged: () => undefined },
    });
    await until(async () => (await countPending(service.databaseUrl)) === 0, 'nothing is pending');
    await until(async () => {
      const { accepted } = await readProviders(simulator.url);
      return accepted.flatMap(({ receipts }) => receipts).every((receipt) => receipt.acknowledged > 0);
    }, 'every receipt is acknowledged');
    // The response to a call can arrive after all callbacks about its message.
    const stored = await until(async () => {
      const read = await readStored(service.databaseUrl);
      return read.attempts.every(({ code }) => code !== 'result_pending') && read;
    }, 'every response is recorded');
    return {
      ...{ modes, listDelayMs: settings.twilio?.list_delay_ms ?? 0, providerTimeoutMs },
      ...{ plan: PLAN, events: [], idle: true, sent: sent.flat(), inbound: [] },
      stored,
      ...(await readProviders(simulator.url)),
    };
  } finally {
    await service.stop();
    await simulator.stop();
  }
}

/** The names of the violated rules. */
export const violatedRules = (evidence: Evidence) =>
  check(evidence)
    .rules.filter(({ violations }) => violations.length > 0)
    .map(({ rule }) => rule);

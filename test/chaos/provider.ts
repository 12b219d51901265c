import { join } from 'node:path';
import { freePort, isOk } from '../support/process.ts';
import { until } from '../support/until.ts';
import { type AcceptedMessage, FEATURES, type Mode, type Modes, namesMessages } from './checker/evidence.ts';
import { failingFaults } from './failing.ts';
import { type Supervised, supervise } from './processes.ts';
import { accountOf, providerKey, type SimulatorAddress, webhookSecret } from './provider-account.ts';

export type Channel = keyof Modes;

/** The share of callbacks that are never sent. */
const LOST = 0.03;

/** The simulated providers, in a process that no disruption affects. */
export interface ChaosProvider extends SimulatorAddress {
  /** Sets the usual faults, and an outage of the provider of one channel if it is given. */
  setFaults(down?: Channel): Promise<void>;
  /** Removes all faults, also those of failing recipients. */
  clearFaults(): Promise<void>;
  /** Makes all calls take long, with the usual faults, and loses all receipts of the messages of these calls. */
  hold(): Promise<void>;
  /** Ends `hold`, with the usual faults. */
  release(): Promise<void>;
  /** Sets whether receipts are sent in the wrong order. */
  disorder(on: boolean): Promise<void>;
  accepted(): Promise<AcceptedMessage[]>;
  /** The number of calls. */
  calls(): Promise<number>;
  /** Whether a call on the channel has had a fault since this time, in milliseconds since 1970. */
  hadFault(channel: Channel, since: number): Promise<boolean>;
  stop(): Promise<void>;
}

export interface ProviderOptions {
  modes: Modes;
  /** The time until Twilio lists an accepted message, in milliseconds. */
  listDelayMs: number;
  seed: number;
  /** The share of messages whose callbacks are sent before the response. */
  earlyRate: number;
  providerTimeoutMs: number;
  serviceUrl: string;
  /** The folder of the log. */
  directory: string;
  onExit: (reason: string) => void;
}

export async function startProvider(options: ProviderOptions): Promise<ChaosProvider> {
  const { modes, listDelayMs, seed, earlyRate, providerTimeoutMs, serviceUrl, directory, onExit } = options;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const account = accountOf(modes)?.simulator;
  const smtpPort = account?.smtp ? await freePort() : null;
  const process_: Supervised = supervise({
    command: process.execPath,
    args: ['src/simulator/main.ts'],
    log: join(directory, 'simulator.log'),
    onExit,
    environment: {
      SIMULATOR_PORT: String(port),
      SIMULATOR_API_KEY: providerKey,
      SIMULATOR_WEBHOOK_SECRET: webhookSecret,
      SIMULATOR_SERVICE_URL: serviceUrl,
      SIMULATOR_SEED: String(seed),
      SIMULATOR_HONOUR_IDEMPOTENCY_KEYS: String(supportsKeys(modes)),
      SIMULATOR_LOOKUP: String(supportsLookUp(modes)),
      SIMULATOR_SMTP_PORT: smtpPort === null ? '' : String(smtpPort),
      SIMULATOR_TELNYX_SEED: account?.telnyx?.seed ?? '',
      SIMULATOR_VONAGE_PUBLIC_KEY: account?.vonage?.publicKey ?? '',
    },
  });
  /** The simulator may close an idle connection at the moment when it is used again. */
  const control = (path: string, init?: RequestInit) => {
    const request = () => fetch(`${url}/_control/${path}`, init);
    return request().catch(request);
  };
  const put = (path: string, body: unknown) =>
    control(path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const read = async <T>(path: string) => ((await (await control(path)).json()) as { data: T[] }).data;
  const channels = Object.keys(modes) as Channel[];
  const putFaults = async (faults: object[]) => {
    const { status } = await put('faults', faults);
    if (status !== 200) throw new Error(`The simulator refused the faults: ${status}`);
  };
  const faults = (down?: Channel) =>
    channels.flatMap((channel) => [
      ...failingFaults(channel, modes[channel]),
      ...(channel === down
        ? outage(channel, modes[channel])
        : usualFaults(channel, modes, providerTimeoutMs)),
    ]);
  const setFaults = (down?: Channel) => putFaults(faults(down));
  await until(() => isOk(`${url}/healthz`), 'the providers are ready', 30_000);
  await put('settings', {
    receipts: { delay_ms: 20, failure_rate: 0.1, repeats: 1, early_rate: earlyRate, loss_rate: LOST },
    twilio: { list_delay_ms: listDelayMs, unknown_fields: true, unknown_status: true },
    telnyx: { unknown_fields: true, unknown_status: true },
    vonage: { unknown_fields: true, unknown_status: true },
    ...{ sendgrid: { unknown_fields: true }, resend: { unknown_fields: true } },
  });
  return {
    ...{ url, smtpPort },
    setFaults,
    hold: async () => {
      await put('settings', { receipts: { early_rate: 0, loss_rate: 1 } });
      await putFaults([
        ...channels.map((channel) => ({ channel, type: 'latency', ms: 0.6 * providerTimeoutMs })),
        ...faults(),
      ]);
    },
    release: async () => {
      await put('settings', { receipts: { early_rate: earlyRate, loss_rate: LOST } });
      await setFaults();
    },
    clearFaults: async () => void (await put('faults', [])),
    disorder: async (on) => void (await put('settings', { receipts: { disorder: on } })),
    accepted: () => read<AcceptedMessage>('messages'),
    calls: async () => (await read('calls')).length,
    hadFault: async (channel, since) => {
      const calls = await read<{ channel: string; at: number; fault: string | null }>('calls');
      return calls.some((call) => call.channel === channel && call.at >= since && call.fault !== null);
    },
    stop: process_.stop,
  };
}

function outage(channel: Channel, mode: Mode | undefined): object[] {
  if (mode === 'smtp')
    return [
      { channel, type: 'smtp', phase: 'mail', cut: true, probability: 0.5 },
      { channel, type: 'smtp', phase: 'mail', reply: '421 4.3.2 Service not available' },
    ];
  return [
    { channel, type: 'reset', probability: 0.5, applies_to: 'all' },
    { channel, type: 'status', status: 503, applies_to: 'all' },
  ];
}

/** Each fault applies with its probability if no fault before it ended the call. About 28 % of the sends end with a fault. */
function usualFaults(channel: Channel, modes: Modes, providerTimeoutMs: number): object[] {
  if (modes[channel] === 'smtp') return smtpFaults(channel);
  const late = Math.round(providerTimeoutMs * 1.25);
  return [
    // The first occurrence of a rare fault has a higher probability, so that a short run has each fault.
    ...['timeout', 'reset', 'malformed'].map((type) => ({ channel, type, probability: 0.1, times: 1 })),
    { channel, type: 'latency', ms: 60, probability: 0.1 },
    // Longer than the timeout of the service: the provider accepts the message after the service has aborted the call.
    { channel, type: 'latency', ms: late, probability: 0.01 },
    { channel, type: 'lost_response', probability: 0.11 },
    { channel, type: 'reset', probability: 0.04, applies_to: 'all' },
    { channel, type: 'malformed', probability: 0.03 },
    { channel, type: 'timeout', probability: 0.02, applies_to: 'all' },
    { channel, type: 'status', status: 500, probability: 0.05, applies_to: 'all' },
    // These providers may send a message and respond with 500 nevertheless.
    ...(namesMessages(modes[channel])
      ? [{ channel, type: 'status', status: 500, accepted: true, probability: 0.05 }]
      : []),
    { channel, type: 'status', status: 503, retry_after: 1, probability: 0.04, applies_to: 'all' },
    { channel, type: 'status', status: 429, retry_after: 0, probability: 0.03 },
    { channel, type: 'status', status: 429, retry_after: 1, probability: 0.004 },
  ];
}

/** Faults of each step of a session. A refusal of one recipient of several lets the others have the email. */
function smtpFaults(channel: Channel): object[] {
  const faults: [phase: string, fault: object, probability: number][] = [
    ['greeting', { cut: true }, 0.02],
    ['greeting', { reply: '421 4.3.2 Too many connections' }, 0.02],
    ['auth', { reply: '454 4.7.0 Temporary authentication failure' }, 0.02],
    ['mail', { cut: true }, 0.03],
    ['mail', { reply: '451 4.3.0 Try again later' }, 0.03],
    ['rcpt', { cut: true }, 0.03],
    ['rcpt', { reply: '450 4.2.0 Greylisted' }, 0.06],
    ['data', { cut: true }, 0.03],
    ['data', { reply: '451 4.3.0 Try again later' }, 0.03],
    ['body', { cut: true }, 0.02],
    ['end', { reply: '451 4.3.0 Try again later' }, 0.06],
    ['end', { cut: true }, 0.03],
    ['end', { cut: true, accepted: true }, 0.12],
    ['end', { silent: true, accepted: true }, 0.005],
  ];
  return faults.map(([phase, fault, probability]) => ({
    channel,
    type: 'smtp',
    phase,
    ...fault,
    probability,
  }));
}

/** Whether the providers of the standard kind support idempotency keys, and look-up. */
export function supportsKeys(modes: Modes): boolean {
  return Object.values(modes).some((mode) => FEATURES[mode].idempotencyKeys);
}

export function supportsLookUp(modes: Modes): boolean {
  return supportsKeys(modes) || Object.values(modes).includes('lookup');
}

import type { Mode, Modes, Plan } from './checker/evidence.ts';

export interface ChaosSettings {
  modes: Modes;
  seed: number;
  conversations: number;
  messagesEach: number;
  /** The number of emails that a mail server passes on, in the mode `smtp`. */
  inbound: number;
  /** Concurrent requests of clients. */
  clients: number;
  /** Max wait of a client before its next message, in milliseconds. */
  pauseMs: number;
  providerTimeoutMs: number;
  /** The share of messages whose callbacks are sent before the response. */
  earlyRate: number;
  /** The time until Twilio lists an accepted message, in milliseconds: some look-ups are too early, others are not. */
  listDelayMs: number;
  apis: number;
  workers: number;
  /** The processes that are killed in rotation. */
  killed: 'workers' | 'all';
  /** Settings of the service for this run. */
  environment: Record<string, string>;
  /** The interval at which a process is killed, while clients send and while the backlog drains. */
  killEveryMs: number;
  /** Workers are killed until at most this many messages are pending. */
  killUntilPending: number;
  /** Workers are killed for at most this time, in milliseconds: workers that start more slowly would never send. */
  killForMs: number;
  outageMs: number;
  /** The steps, each at a share of acknowledged messages from 0 to 1. */
  steps: { at: number; action: 'kill api' | 'restart database' | 'provider outage' | 'cut off worker' }[];
  /** The time limit of the run, in milliseconds. */
  timeLimitMs: number;
  plan: Plan;
}

/**
 * The timeout of a provider in milliseconds, which is short so that the lease of a killed worker is short. A provider with
 * look-up only may accept a request for as long again after it was aborted, so a busy simulator needs a longer timeout.
 */
const PROVIDER_TIMEOUT_MS: Record<Mode, number> = {
  ...{ keys: 600, lookup: 2_000, neither: 600 },
  ...{ twilio: 800, telnyx: 800, vonage: 800 },
  ...{ sendgrid: 800, resend: 600, smtp: 600 },
};

const FAILING = { failing: 0.2, lost: 0.05, ofEachFault: 1, ofEachState: 1 };

/** The kinds with one channel. */
const CHANNELS: Partial<Record<Mode, keyof Modes>> = {
  ...({ twilio: 'sms', telnyx: 'sms', vonage: 'sms' } as const),
  ...({ sendgrid: 'email', resend: 'email', smtp: 'email' } as const),
};

/** The mode for the channels that its kind has. */
export function modesOf(mode: Mode): Modes {
  const channel = CHANNELS[mode];
  return channel === undefined ? { sms: mode, email: mode } : { [channel]: mode };
}

/** The lease of a killed worker is longer where a call may upload a large email, in milliseconds. */
const UPLOAD_LEASES_MS = 240_000;
const extraMs = ({ email }: Modes) =>
  email !== undefined && CHANNELS[email] === 'email' ? UPLOAD_LEASES_MS : 0;

type Step = ChaosSettings['steps'][number];

/** Calls of a mail server cannot be made to take long, which the cut of a connection needs. */
function stepsFor({ email }: Modes, steps: Step[]): Step[] {
  return email === 'smtp' ? steps.filter(({ action }) => action !== 'cut off worker') : steps;
}

/** 7,500 messages, in about three minutes. */
export function fullSettings(modes: Modes, seed: number): ChaosSettings {
  return {
    modes,
    seed,
    conversations: 375,
    messagesEach: 20,
    inbound: modes.email === 'smtp' ? 750 : 0,
    clients: 64,
    pauseMs: 5_000,
    providerTimeoutMs: Math.max(...Object.values(modes).map((mode) => PROVIDER_TIMEOUT_MS[mode])),
    earlyRate: 0.05,
    listDelayMs: 1_200,
    apis: 1,
    workers: 3,
    killed: 'workers',
    environment: {},
    killEveryMs: 3_000,
    killUntilPending: 100,
    killForMs: 300_000,
    outageMs: 30_000,
    steps: stepsFor(modes, [
      { at: 0.1, action: 'kill api' },
      { at: 0.15, action: 'cut off worker' },
      { at: 0.2, action: 'provider outage' },
      { at: 0.4, action: 'restart database' },
      { at: 0.6, action: 'kill api' },
      { at: 0.8, action: 'restart database' },
    ]),
    timeLimitMs: 480_000 + extraMs(modes),
    plan: {
      ...{ workerKills: 15, drainKills: 2, apiKills: 2, databaseRestarts: 2 },
      ...{ providerOutages: 1, outageMs: 30_000, ...FAILING },
    },
  };
}

/** The same run with few messages. */
export function shortSettings(modes: Modes, seed: number): ChaosSettings {
  return {
    ...fullSettings(modes, seed),
    conversations: 60,
    messagesEach: 4,
    inbound: modes.email === 'smtp' ? 40 : 0,
    earlyRate: 0.2,
    clients: 8,
    pauseMs: 1_200,
    killUntilPending: 120,
    killForMs: 60_000,
    outageMs: 3_000,
    steps: stepsFor(modes, [
      { at: 0.05, action: 'cut off worker' },
      { at: 0.1, action: 'provider outage' },
      { at: 0.2, action: 'kill api' },
      { at: 0.5, action: 'restart database' },
    ]),
    timeLimitMs: 180_000 + extraMs(modes),
    plan: {
      ...{ workerKills: 2, drainKills: 1, apiKills: 1, databaseRestarts: 1 },
      ...{ providerOutages: 1, outageMs: 3_000, ...FAILING },
    },
  };
}

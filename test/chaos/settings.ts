import type { Mode, Plan } from './checker/evidence.ts';

export interface ChaosSettings {
  mode: Mode;
  seed: number;
  conversations: number;
  messagesEach: number;
  /** Requests of clients under way at once. */
  clients: number;
  /** The longest that a client waits before its next message, in milliseconds. */
  pauseMs: number;
  providerTimeoutMs: number;
  workers: number;
  /** A worker is killed this often, while clients send and while the rest drains. */
  killEveryMs: number;
  /** Until no more messages than this are pending. */
  leftAlone: number;
  /** For no longer than this, in milliseconds: where workers need longer to start than they live, nothing would ever come to rest. */
  killForMs: number;
  outageMs: number;
  /** What happens when this part of the messages is acknowledged, from 0 to 1. */
  steps: { at: number; what: 'kill api' | 'restart database' | 'provider away' }[];
  /** When all is called off, in milliseconds. */
  boundMs: number;
  plan: Plan;
}

/**
 * How long the service waits for a provider, in milliseconds. Short, so that a killed worker's messages come back soon.
 * One that can only be looked up may take a request for as long again after it was cut, and the simulator on a busy
 * machine must not be later than that.
 */
const PROVIDER_TIMEOUT_MS = { keys: 600, lookup: 2_000, neither: 600 };

const FAILING = { failing: 0.2, lost: 0.05, ofEachFault: 1 };

/** Ten thousand messages, in about four minutes. */
export function fullSettings(mode: Mode, seed: number): ChaosSettings {
  return {
    mode,
    seed,
    conversations: 500,
    messagesEach: 20,
    clients: 64,
    pauseMs: 5_000,
    providerTimeoutMs: PROVIDER_TIMEOUT_MS[mode],
    workers: 3,
    killEveryMs: 3_000,
    leftAlone: 100,
    killForMs: 300_000,
    outageMs: 30_000,
    steps: [
      { at: 0.1, what: 'kill api' },
      { at: 0.2, what: 'provider away' },
      { at: 0.4, what: 'restart database' },
      { at: 0.6, what: 'kill api' },
      { at: 0.8, what: 'restart database' },
    ],
    boundMs: 480_000,
    plan: {
      ...{ workerKills: 20, drainKills: 3, apiKills: 2, databaseRestarts: 2 },
      ...{ providerOutages: 1, outageMs: 30_000, ...FAILING },
    },
  };
}

/** The same in small. */
export function shortSettings(mode: Mode, seed: number): ChaosSettings {
  return {
    ...fullSettings(mode, seed),
    conversations: 60,
    messagesEach: 4,
    clients: 8,
    pauseMs: 1_200,
    leftAlone: 120,
    killForMs: 60_000,
    outageMs: 3_000,
    steps: [
      { at: 0.1, what: 'provider away' },
      { at: 0.2, what: 'kill api' },
      { at: 0.5, what: 'restart database' },
    ],
    boundMs: 180_000,
    plan: {
      ...{ workerKills: 2, drainKills: 1, apiKills: 1, databaseRestarts: 1 },
      ...{ providerOutages: 1, outageMs: 3_000, ...FAILING },
    },
  };
}

import { CONSUMERS, type ConsumerName } from '../checker/feed/evidence.ts';
import { type ChaosSettings, fullSettings, modesOf } from '../settings.ts';

export interface FeedSettings extends ChaosSettings {
  consumers: readonly ConsumerName[];
  /** The number of inbound texts; `inbound` is the number of inbound emails. */
  inboundTexts: number;
  /** The share of the webhooks whose first attempt the endpoint refuses or does not answer, from 0 to 1. */
  failingWebhooks: number;
  /**
   * The share of these attempts that are refused, from 0 to 1. A refusal after the loss of a killed worker's attempt delays the event
   * by five minutes.
   */
  refusedWebhooks: number;
  /** The time without progress after which a consumer of the idle service gets no more events, in milliseconds. */
  stallMs: number;
  /** The minimum of interruptions of each consumer. */
  minInterruptions: number;
}

/** 8,000 outbound and 2,000 inbound messages by 4 API processes and 2 workers. */
export function fullFeedSettings(seed: number): FeedSettings {
  return {
    ...fullSettings(modesOf('keys'), seed),
    ...{
      consumers: CONSUMERS,
      inboundTexts: 2_000,
      failingWebhooks: 0.02,
      refusedWebhooks: 0.5,
      stallMs: 330_000,
    },
    ...{ conversations: 400, messagesEach: 20, apis: 4, workers: 2, killed: 'all' },
    environment: { DATABASE_POOL_SIZE: '8', ALLOWED_PRIVATE_HOSTS: '127.0.0.1' },
    steps: [{ at: 0.5, action: 'restart database' }],
    ...{ timeLimitMs: 720_000, minInterruptions: 5 },
    plan: {
      ...{ workerKills: 10, drainKills: 0, apiKills: 20, databaseRestarts: 1 },
      ...{ providerOutages: 0, outageMs: 0, failing: 0.1, lost: 0.02, ofEachFault: 1, ofEachState: 0 },
    },
  };
}

/** The same run with few messages. */
export function shortFeedSettings(seed: number): FeedSettings {
  const full = fullFeedSettings(seed);
  return {
    ...full,
    ...{ conversations: 48, messagesEach: 4, inboundTexts: 60, apis: 2, clients: 16, pauseMs: 1_000 },
    ...{ killUntilPending: 60, killForMs: 9_000, failingWebhooks: 0.05, refusedWebhooks: 0, stallMs: 60_000 },
    ...{ timeLimitMs: 150_000, minInterruptions: 1 },
    steps: [{ at: 0.3, action: 'kill api' }, ...full.steps],
    plan: { ...full.plan, workerKills: 1, apiKills: 1, failing: 0, lost: 0, ofEachFault: 0 },
  };
}

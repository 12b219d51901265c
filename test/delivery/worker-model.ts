import { Breaker } from '../../src/delivery/accounts/breaker.ts';
import { isRetry } from '../../src/delivery/accounts/call.ts';
import { fallbackOf, hasAlternative, type Route, routesOf } from '../../src/delivery/accounts/routing.ts';
import { hasFailedOver } from '../../src/delivery/claim.ts';
import { nextState, type Transition } from '../../src/delivery/states/transition.ts';
import { pauseMs } from '../../src/outbox/backoff.ts';
import type { Provider, SendOutcome } from '../../src/providers/provider.ts';
import { standardCapabilities } from '../../src/providers/standard/capabilities.ts';
import type { StandardSettings } from '../../src/providers/standard/config.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { chooseClaims, type ModelRoute } from './claim-model.ts';

/** How a provider responds for a recipient. */
export type Behaviour =
  | 'good'
  | 'no_id'
  | 'hangs'
  | 'resets'
  | 'fails'
  | 'refused'
  | 'throttled'
  | 'no_credit';

export interface ModelMessage {
  id: number;
  behaviour: Behaviour;
  /** The time when the service accepts the message, in milliseconds. */
  arrivesAt: number;
  /** The accounts that can send the message; default: all. */
  accounts?: readonly string[];
}

export interface ModelOptions {
  messages: ModelMessage[];
  concurrency: number;
  providers: number;
  timeoutMs: number;
  seed: number;
  /** The first provider fails for all recipients during this time. */
  outage?: { from: number; to: number; as: Behaviour };
  untilMs: number;
}

export interface ModelResult {
  /** The time when a provider accepted each message, in milliseconds, by id. */
  sentAt: Map<number, number>;
  calls: { at: number; provider: string; message: number; isRetry: boolean; states: string[] }[];
}

interface Row extends Omit<ModelMessage, 'accounts'> {
  accounts: readonly string[] | null;
  attempt_count: number;
  retry_count: number;
  may_have_been_sent: boolean;
  partly_sent: boolean;
  isHashed: boolean;
  expires_at: Date;
  status: Transition['status'] | 'sending';
  provider: string;
  dueAt: number;
}

const DAY_MS = 86_400_000;
const POLL_MS = 1_000;
const RESPONSE_MS = 20;
const SETTINGS = { supportsIdempotencyKeys: true, canLookUp: true } as StandardSettings;

/**
 * Simulates one worker and its clock: the real breaker, routes, backoff and rules for the next state, with the claim of
 * `claim_deliveries` and the limits of the worker modelled in memory.
 */
export function runModel(options: ModelOptions): ModelResult {
  return new Model(options).run();
}

class Model {
  readonly #options: ModelOptions;
  readonly #random: () => number;
  readonly #rows: Row[];
  readonly #breakers: Breaker[];
  readonly #pausedUntil = new Map<string, number>();
  readonly #ends: { at: number; end: () => void }[] = [];
  readonly #result: ModelResult = { sentAt: new Map(), calls: [] };
  #now = 0;
  #calls = 0;
  #retries = 0;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#rows = options.messages.map((message) => ({
      ...message,
      attempt_count: 0,
      retry_count: 0,
      may_have_been_sent: false,
      partly_sent: false,
      isHashed: true,
      expires_at: new Date(DAY_MS),
      status: 'queued',
      provider: message.accounts?.[0] ?? '',
      accounts: message.accounts ?? null,
      dueAt: message.arrivesAt,
    }));
    this.#breakers = Array.from({ length: options.providers }, (_, n) => this.#breaker(`p${n + 1}`));
  }

  #breaker(name: string): Breaker {
    const provider = {
      name,
      channel: 'sms',
      capabilities: standardCapabilities('sms', SETTINGS),
      senders: this.#sendersOf(name),
    } as Provider;
    const { concurrency } = this.#options;
    return new Breaker({
      ...{ provider, concurrency },
      hasAlternative: () => hasAlternative(this.#breakers, provider),
      random: this.#random,
      onChange: () => undefined,
    });
  }

  run(): ModelResult {
    while (this.#now < this.#options.untilMs && this.#rows.some(({ status }) => status !== 'sent')) {
      this.#claim();
      this.#now = this.#next();
      for (const { at, end } of this.#ends.splice(0)) at <= this.#now ? end() : this.#ends.push({ at, end });
    }
    return this.#result;
  }

  /** The time when the next call ends, message is due, probe may begin, or the worker polls. */
  #next(): number {
    const due = this.#rows.map(({ dueAt, status }) =>
      status === 'queued' ? dueAt : Number.POSITIVE_INFINITY,
    );
    const probes = this.#breakers.map((breaker) => this.#now + Math.ceil(breaker.retryInMs(this.#now)));
    const times = [...due, ...probes, ...this.#ends.map(({ at }) => at), this.#now + POLL_MS];
    return Math.min(...times.filter((at) => at > this.#now));
  }

  #claim(): void {
    const { concurrency } = this.#options;
    const wanted = {
      calls: concurrency - this.#calls,
      retries: Math.max(1, Math.floor(concurrency / 2)) - this.#retries,
    };
    const routes = routesOf('sms', this.#breakers);
    const chosen = chooseClaims(
      this.#rows,
      routes.map((route) => this.#toModelRoute(route)),
      wanted,
      this.#now,
    );
    for (const breaker of new Set(chosen.map(({ n }) => (routes[n] as Route).breaker))) breaker.claimed();
    for (const { row, n } of chosen) {
      this.#call(row as Row, (routes[n] as Route).breaker);
    }
  }

  #toModelRoute({ assignedTo, reassignable, preferred, breaker }: Route): ModelRoute {
    const provider = breaker.provider.name;
    const isPaused = (this.#pausedUntil.get(provider) ?? 0) > this.#now;
    const freeSlots = isPaused ? { calls: 0, retries: 0 } : breaker.freeSlots(this.#now);
    return { assignedTo, reassignable, preferred, provider, ...freeSlots, ...breaker.order(this.#now) };
  }

  #call(row: Row, breaker: Breaker): void {
    row.attempt_count++;
    const failedOver = hasFailedOver(this.#eligible(row)[0] === breaker.provider, row);
    row.status = 'sending';
    row.provider = breaker.provider.name;
    const retries = isRetry(row) ? 1 : 0;
    this.#calls++;
    this.#retries += retries;
    this.#result.calls.push({
      ...{ at: this.#now, provider: row.provider, message: row.id, isRetry: retries === 1 },
      states: this.#breakers.map(({ state }) => state),
    });
    const call = breaker.begin({ ...row, to: [`+${row.id}`] }, failedOver, this.#now);
    const { outcome, ms } = this.#respond(row, breaker.provider.name);
    const end = () => {
      this.#calls--;
      this.#retries -= retries;
      this.#settle(row, breaker, outcome, breaker.end(call, outcome.outcome, this.#now).throttlesAccount);
    };
    this.#ends.push({ at: this.#now + ms, end });
  }

  #settle(row: Row, breaker: Breaker, outcome: SendOutcome, throttlesAccount: boolean): void {
    const { provider } = breaker;
    const now = new Date(this.#now);
    if (outcome.outcome === 'throttled' && throttlesAccount)
      this.#pausedUntil.set(
        provider.name,
        this.#now + pauseMs(outcome.retryAfterMs, breaker.throttledInARow),
      );
    const fallback = fallbackOf(this.#breakers, breaker, this.#eligible(row));
    const unassigned = row.accounts?.[0] ?? null;
    const { timeoutMs } = this.#options;
    const input = { message: row, outcome, throttlesAccount, provider, fallback, unassigned, timeoutMs, now };
    const transition = nextState({ ...input, random: this.#random() });
    row.status = transition.status;
    row.provider = transition.provider ?? '';
    row.retry_count += transition.countsAsRetry ? 1 : 0;
    row.may_have_been_sent = transition.mayHaveBeenSent;
    row.dueAt = transition.nextAttemptAt?.getTime() ?? Number.POSITIVE_INFINITY;
    if (transition.status === 'sent') this.#result.sentAt.set(row.id, this.#now);
  }

  /** One sender for each list of accounts; null if every account can send all messages. */
  #sendersOf(name: string): Set<string> | null {
    const lists = this.#options.messages.map(({ accounts }) => accounts);
    if (lists.every((accounts) => accounts === undefined)) return null;
    return new Set(
      lists
        .filter((accounts) => accounts?.includes(name) ?? true)
        .map((accounts) => accounts?.join() ?? 'all'),
    );
  }

  #eligible({ accounts }: Row): Provider[] {
    const providers = this.#breakers.map(({ provider }) => provider);
    return accounts ? providers.filter(({ name }) => accounts.includes(name)) : providers;
  }

  #respond({ behaviour }: Row, provider: string): { outcome: SendOutcome; ms: number } {
    const { outage, timeoutMs } = this.#options;
    const isOutage = provider === 'p1' && outage && this.#now >= outage.from && this.#now < outage.to;
    const failure = { httpStatus: null, class: 'provider_error' as const, code: 'model', detail: '' };
    switch (isOutage ? outage.as : behaviour) {
      case 'good':
        return { outcome: { outcome: 'accepted', httpStatus: 202, providerMessageId: 'x' }, ms: RESPONSE_MS };
      case 'no_id':
      case 'resets':
        return { outcome: { ...failure, outcome: 'unknown' }, ms: RESPONSE_MS };
      case 'hangs':
        return { outcome: { ...failure, outcome: 'unknown' }, ms: timeoutMs };
      case 'fails':
        // The duration includes the short repeats of the call.
        return {
          outcome: { ...failure, outcome: 'unavailable', retryAfterMs: null, isOperatorError: false },
          ms: 3_000,
        };
      case 'no_credit':
        return {
          outcome: { ...failure, outcome: 'unavailable', retryAfterMs: null, isOperatorError: false },
          ms: RESPONSE_MS,
        };
      case 'refused':
        return { outcome: { ...failure, outcome: 'rejected' }, ms: RESPONSE_MS };
      case 'throttled':
        return { outcome: { ...failure, outcome: 'throttled', retryAfterMs: null }, ms: RESPONSE_MS };
    }
  }
}

import type { Channel } from '../../channel.ts';
import type { Events } from '../../observability/events.ts';
import type { StoredError } from '../../openapi/error-class.ts';
import type { BreakerState } from '../../outbox/circuit-breaker.ts';
import type { Provider, SendOutcome } from '../../providers/provider.ts';
import type { StateReporter } from './provider-states.ts';

export interface AccountError {
  code: string;
  detail: string;
  httpStatus: number | null;
  at: Date;
}

/** The state of one account, from the calls of this process only. */
export interface AccountHealth {
  name: string;
  channel: Channel;
  breaker: BreakerState;
  /** The time when the breaker last opened or closed, by default the start of the process. */
  since: Date;
  lastError: AccountError | null;
}

interface Account extends AccountHealth {
  /** Whether a failure was reported and the provider has accepted no message since then. */
  failing: boolean;
  /** The time of the last report of each code, in milliseconds since 1970. */
  reported: Map<string, number>;
  /** The error of the last failure, as events have it. */
  failure: StoredError | null;
}

/** Min time between two reports of the same code. */
const REPORT_AGAIN_MS = 10 * 60_000;
/** Limits the memory, because providers define the codes. */
const MAX_CODES = 100;

/**
 * Reports changes of the state of each account and never single attempts: the first failure with a code, an open breaker, and
 * recovery.
 */
export class HealthMonitor {
  readonly #events: Events;
  readonly #states: StateReporter;
  readonly #accounts = new Map<string, Account>();

  constructor(events: Events, states: StateReporter) {
    this.#events = events;
    this.#states = states;
  }

  add({ name, channel }: Pick<Provider, 'name' | 'channel'>): void {
    const known = { name, channel, breaker: 'closed', since: new Date(), lastError: null } as const;
    this.#accounts.set(name, { ...known, failing: false, reported: new Map(), failure: null });
    this.#events.providerKnown(name);
  }

  /** Called with the outcome of each call, before the breaker counts the outcome. */
  called(provider: string, outcome: SendOutcome): void {
    const account = this.#accountOf(provider);
    if (outcome.outcome === 'accepted') this.#accepted(account);
    if (outcome.outcome === 'accepted' || outcome.outcome === 'rejected') return;
    const { code, detail, httpStatus, class: errorClass, url = null } = outcome;
    account.lastError = { code, detail, httpStatus, at: new Date() };
    account.failure = { code, detail, class: errorClass, url };
    if (!mustReport(account.reported, code)) return;
    account.failing = true;
    this.#events.providerFailing({
      ...{ provider, outcome: outcome.outcome, code, detail, httpStatus },
      forOperator: outcome.outcome === 'unavailable' && outcome.isOperatorError,
    });
  }

  breakerChanged(provider: string, breaker: BreakerState): void {
    const account = this.#accountOf(provider);
    const wasClosed = account.breaker === 'closed';
    account.breaker = breaker;
    this.#events.breakerChanged(provider, breaker);
    // From half_open back to open: the account is still unavailable.
    if (wasClosed === (breaker === 'closed')) return;
    const { since, lastError, failure } = account;
    account.since = new Date();
    if (!wasClosed) {
      const seconds = (account.since.getTime() - since.getTime()) / 1_000;
      account.failing = false;
      account.reported.clear();
      this.#events.providerRecovered({ provider, unavailableSeconds: seconds });
      this.#states.changed(account, null);
    } else if (lastError && failure) {
      const { code, detail, httpStatus } = lastError;
      this.#events.providerUnavailable({ provider, code, detail, httpStatus });
      this.#states.changed(account, failure);
    }
  }

  accounts(): AccountHealth[] {
    return [...this.#accounts.values()].map(
      ({ failing: _, reported: __, failure: ___, ...health }) => health,
    );
  }

  /** Reports the recovery from failures that did not open the breaker. `breakerChanged` reports the others. */
  #accepted(account: Account): void {
    if (account.breaker !== 'closed') return;
    this.#states.confirmed(account);
    if (!account.failing) return;
    account.failing = false;
    this.#events.providerRecovered({ provider: account.name, unavailableSeconds: null });
  }

  #accountOf(provider: string): Account {
    return this.#accounts.get(provider) as Account;
  }
}

/** Whether a code must be reported now. */
function mustReport(reported: Map<string, number>, code: string): boolean {
  const now = Date.now();
  const last = reported.get(code);
  if (last !== undefined && now - last < REPORT_AGAIN_MS) return false;
  if (reported.size >= MAX_CODES) reported.clear();
  reported.set(code, now);
  return true;
}

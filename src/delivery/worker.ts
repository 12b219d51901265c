import type pg from 'pg';
import type { StopScope } from '../config/config.ts';
import type { HashAddress } from '../consent/key.ts';
import type { MediaLinks } from '../media/links.ts';
import type { Events } from '../observability/events.ts';
import { ClaimLoop, resolvedOrAfter } from '../outbox/claim-loop.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { isRetry } from './accounts/call.ts';
import { type AccountHealth, HealthMonitor } from './accounts/health.ts';
import { ProviderStates } from './accounts/provider-states.ts';
import { Routing } from './accounts/routing.ts';
import { createFileContents } from './attempt/file-contents.ts';
import { limitsOf } from './attempt/file-limits.ts';
import { filesOf } from './attempt/files.ts';
import { type ClaimCheck, Ledger } from './attempt/ledger.ts';
import { chooseCandidate } from './attempt/look-up-candidates.ts';
import { uncertainCalls } from './attempt/uncertain-calls.ts';
import { CallSlots } from './call-slots.ts';
import { type Claim, claim, firstDue } from './claim.ts';
import { type DeliverOptions, deliver } from './deliver.ts';
import { type BackgroundTask, runInBackground } from './maintenance/background.ts';
import { backgroundTasks, createMaintenance } from './maintenance/tasks.ts';
import { createSettler, type NormaliseAddress, type Settlement } from './settle.ts';

export interface WorkerOptions {
  pool: pg.Pool;
  providers: ProviderRegistry;
  events: Events;
  /** Max concurrent calls. */
  concurrency: number;
  /** The part of the lease that may pass before the call begins, in milliseconds. */
  marginMs: number;
  /** The timeout of one request to a provider, in milliseconds. */
  timeoutMs: number;
  /** The URL of an account's webhooks; null without a public URL. */
  webhookUrlOf: (account: string) => string | null;
  /** Links to the files of messages. */
  links: MediaLinks;
  /** The entries of `ALLOWED_PRIVATE_HOSTS`, from which attachments may be fetched too. */
  allowedPrivateHosts?: readonly string[];
  normaliseAddress: NormaliseAddress;
  /** The scope of the entry that a refused message of a recipient who has opted out adds to the ledger. */
  stopScope: StopScope;
  hashAddress: HashAddress;
  /** The time for which `stop` waits for calls before it aborts them, in milliseconds. */
  patienceMs: number;
  /** Called after the commit of an attempt or of an account's state. */
  onSettled?: () => void;
  /** Further tasks, which run beside the claims. */
  tasks?: BackgroundTask[];
}

/** Max wait between two claims, because a notification can be lost. */
const POLL_MS = 1_000;
/** Max wait after a claim that found messages: a rate limit can end a claim early, and other messages can be due. */
const CLAIM_AGAIN_MS = 100;
const MIN_WAIT_MS = 5;
/** While many slots are busy, claim at most every `BUSY_CLAIM_MS`: small claims cost more than they save. */
const BUSY_CLAIM_MS = 50;

/** Claims due messages, delivers them to the providers and settles the attempts. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #states: ProviderStates;
  readonly #health: HealthMonitor;
  readonly #routing: Routing;
  readonly #ledger: Ledger;
  readonly #deliverOptions: DeliverOptions;
  readonly #settle: (settlement: Settlement) => Promise<void>;
  readonly #maintain: () => Promise<number>;
  readonly #loop: ClaimLoop;
  readonly #slots: CallSlots;
  #stopBackground = async () => {};

  constructor(options: WorkerOptions) {
    const { pool, providers, events, concurrency, marginMs, timeoutMs } = options;
    this.#options = options;
    this.#loop = new ClaimLoop({
      claim: () => this.#claim(),
      pace: async () => {
        if (this.#slots.isBusy) await resolvedOrAfter(this.#slots.notBusy(), BUSY_CLAIM_MS);
      },
      patienceMs: options.patienceMs,
    });
    this.#slots = new CallSlots(concurrency, this.#loop.held);
    this.#states = new ProviderStates(pool, events, options.onSettled);
    this.#health = new HealthMonitor(events, this.#states);
    this.#routing = new Routing(providers, concurrency, this.#health);
    this.#ledger = new Ledger(pool, events);
    const contents = createFileContents(options);
    this.#deliverOptions = {
      ...{ events, health: this.#health, marginMs, timeoutMs },
      routing: this.#routing,
      ledger: this.#ledger,
      signal: this.#loop.signal,
      webhookUrlOf: options.webhookUrlOf,
      filesOf: (provider, message, signal) => {
        const limits = () => limitsOf(provider, this.#routing.eligibleFor(provider.channel, message));
        return filesOf(options.links, contents, provider.capabilities, message, limits, signal);
      },
      chooseCandidate: (...choice) =>
        chooseCandidate(pool, ...choice).catch((error) => {
          events.failed('look_up', error);
          return null;
        }),
      uncertainCalls: (message) =>
        uncertainCalls(pool, message).catch((error) => {
          events.failed('look_up', error);
          return null;
        }),
    };
    this.#settle = createSettler(options);
    const names = [...providers.sms, ...providers.email].map(({ name }) => name);
    this.#maintain = createMaintenance(pool, names, concurrency, events);
  }

  start(): void {
    this.#loop.start();
    const { pool, providers, events, hashAddress, tasks = [] } = this.#options;
    const accounts = [...providers.sms, ...providers.email];
    const own = backgroundTasks(pool, accounts, hashAddress, events);
    this.#stopBackground = runInBackground([...own, ...tasks], events);
  }

  /** Claims again as soon as possible: a message may be due. */
  wake(): void {
    this.#loop.wake();
  }

  /**
   * Claims the due messages for which slots are free and begins their calls.
   *
   * @returns the number of messages that were claimed or changed by maintenance.
   */
  async runOnce(): Promise<number> {
    const { pool, events } = this.#options;
    const free = this.#slots.free();
    if (free.calls <= 0) return 0;
    const maintained = await this.#maintain();
    const claims = await claim(pool, this.#routing.routes(), free);
    const checks = await this.#ledger.check(claims.map(({ message }) => message));
    for (const claimed of claims) this.#begin(claimed, checks?.get(claimed.message.id) ?? null);
    events.deliveriesMeasured(this.#loop.held.size);
    return maintained + claims.length;
  }

  /** The health of the accounts in this process. */
  accounts(): AccountHealth[] {
    return this.#health.accounts();
  }

  /** Resolves when all calls are settled. */
  idle(): Promise<void> {
    return this.#loop.held.idle();
  }

  /**
   * Stops claiming and resolves when all calls are settled. Calls still running after `patienceMs` are aborted and settled
   * as `unknown`. May be called more than once.
   */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#stopBackground();
    await this.#states.stop();
  }

  #begin(claimed: Claim, check: ClaimCheck | null): void {
    const { events } = this.#options;
    this.#slots.hold(claimed.message, this.#deliver(claimed, check), () => {
      events.deliveriesMeasured(this.#loop.held.size);
      this.wake();
    });
  }

  async #deliver(claimed: Claim, check: ClaimCheck | null): Promise<void> {
    const settlement = await this.#slots
      .call(isRetry(claimed.message), () => deliver(claimed, check, this.#deliverOptions))
      .finally(() => this.wake());
    await this.#settle(settlement);
    this.#options.onSettled?.();
  }

  async #claim(): Promise<number> {
    const handled = await this.runOnce().catch((error) => {
      this.#options.events.failed('claim', error);
      return 0;
    });
    return handled > 0 ? CLAIM_AGAIN_MS : this.#untilNext();
  }

  /** Milliseconds until a message is due, a rate limit allows a call, an unavailable account may be probed, or the next poll. */
  async #untilNext(): Promise<number> {
    const due = await firstDue(this.#options.pool, this.#routing.routes()).catch(() => null);
    return Math.max(MIN_WAIT_MS, Math.min(POLL_MS, due ?? POLL_MS, this.#routing.retryInMs()));
  }
}

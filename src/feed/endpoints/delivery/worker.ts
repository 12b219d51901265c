import pLimit from 'p-limit';
import type pg from 'pg';
import type { Events } from '../../../observability/events.ts';
import { ClaimLoop, resolvedOrAfter } from '../../../outbox/claim-loop.ts';
import type { Resources } from '../../event.ts';
import type { EndpointResult, EndpointSender } from '../send.ts';
import { type Claimed, claimDeliveries, releaseDelivery, removeDelivery, START_MS } from './claim.ts';
import { attemptDelivery, type Bodies, renderBodies } from './deliver.ts';
import { Dispatcher } from './dispatcher.ts';
import { EndpointLimits } from './limits.ts';
import { createSettler, type Settlement } from './settle.ts';

export interface EndpointWorkerOptions {
  pool: pg.Pool;
  resources: Resources;
  sender: EndpointSender;
  events: Events;
  /** The time for which `stop` waits for attempts before it aborts them, in milliseconds. */
  patienceMs: number;
  /** Called after the commit of an event about an endpoint. */
  onEvent: () => void;
}

/** Max attempts at the same time. */
const CONCURRENCY = 100;
/** Max claimed deliveries, whose events are in memory. */
const MAX_CLAIMED = 500;
/** Max deliveries of one claim, whose events are rendered together. */
const MAX_PER_CLAIM = 100;
/** The delay of a delivery whose event could not be rendered. */
const NOT_RENDERED_MS = 5_000;
/** Max wait between two claims: a notification can be lost, and the next attempt of a delivery can be due. */
const POLL_MS = 1_000;
/** Min time between two claims: under load, one claim covers many events. */
const CLAIM_EVERY_MS = 20;
/** The same while no endpoint is enabled. */
const UNUSED_EVERY_MS = 200;

/** Makes deliveries of new events and sends them to the endpoints. Any number of workers share the deliveries. */
export class EndpointWorker {
  readonly #options: EndpointWorkerOptions;
  readonly #loop: ClaimLoop;
  readonly #dispatcher: Dispatcher;
  readonly #limits: EndpointLimits;
  readonly #settle: (settlement: Settlement) => Promise<void>;
  /** Limits the attempts at the same time. */
  readonly #running = pLimit(CONCURRENCY);
  #claimEveryMs = CLAIM_EVERY_MS;

  constructor(options: EndpointWorkerOptions) {
    const { pool, events, patienceMs } = options;
    this.#options = options;
    this.#loop = new ClaimLoop({
      claim: () => this.#claim(),
      pace: (stopped) => resolvedOrAfter(stopped, this.#claimEveryMs),
      patienceMs,
    });
    this.#dispatcher = new Dispatcher(pool);
    this.#limits = new EndpointLimits({
      concurrency: CONCURRENCY,
      onChange: (endpointId, isAvailable) => events.endpointAvailabilityChanged({ endpointId, isAvailable }),
    });
    this.#settle = createSettler(options);
  }

  start(): void {
    this.#loop.start();
  }

  /** Dispatches and claims as soon as possible: there may be new events. */
  wake(): void {
    this.#loop.wake();
  }

  /** Stops claiming and resolves when all attempts are settled. May be called more than once. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #claim(): Promise<number> {
    try {
      return await this.#dispatchAndClaim();
    } catch (error) {
      this.#options.events.failed('endpoints', error);
      return POLL_MS;
    }
  }

  async #dispatchAndClaim(): Promise<number> {
    const { pool, resources, events } = this.#options;
    const { isUsed, isBehind } = await this.#dispatcher.dispatch();
    this.#claimEveryMs = isUsed ? CLAIM_EVERY_MS : UNUSED_EVERY_MS;
    const wanted = Math.min(MAX_PER_CLAIM, MAX_CLAIMED - this.#loop.held.size);
    if (isUsed && wanted > 0) {
      const claims = await claimDeliveries(pool, wanted, this.#limits.free());
      const bodies = renderBodies(claims, resources, (error) => events.failed('endpoints', error));
      for (const claimed of claims)
        this.#loop.held.add(this.#deliver(claimed, bodies), () => this.#loop.wake());
    }
    return isBehind ? 0 : Math.min(POLL_MS, this.#limits.retryInMs());
  }

  async #deliver(claimed: Claimed, bodies: Promise<Bodies>): Promise<void> {
    const mustBeginBy = Date.now() + START_MS;
    const settlement = await this.#limits.run(claimed.endpoint_id, claimed.is_failing, () =>
      this.#running(async () => {
        const { texts, failed } = await bodies;
        const body = texts.get(claimed.event_id);
        if (body !== undefined) return this.#attempt(claimed, body, mustBeginBy);
        return failed.has(claimed.event_id) ? this.#release(claimed, NOT_RENDERED_MS) : this.#remove(claimed);
      }),
    );
    if (settlement) await this.#settle(settlement);
  }

  async #attempt(claimed: Claimed, body: string, mustBeginBy: number): Promise<Settlement | undefined> {
    const { endpoint_id: endpointId, event_id: eventId } = claimed;
    const { events, sender } = this.#options;
    const isLate = this.#loop.signal.aborted || Date.now() > mustBeginBy;
    const call = isLate ? null : this.#limits.begin(endpointId);
    if (call === null) return this.#release(claimed, 0);
    const startedAt = new Date();
    const result = await attemptDelivery(sender, claimed, body, this.#loop.signal);
    const pauseMs = this.#limits.end(endpointId, call, eventId, isLost(result) ? null : result);
    events.endpointAttempted({ endpointId, eventId, number: claimed.number, ...toAttempted(result) });
    return { claimed, startedAt, result, pauseMs };
  }

  /** If the database is unavailable, the lease ends by itself. */
  async #release(claimed: Claimed, delayMs: number): Promise<undefined> {
    const { pool, events } = this.#options;
    await releaseDelivery(pool, claimed, delayMs).catch((error) => events.failed('endpoints', error));
    return undefined;
  }

  async #remove(claimed: Claimed): Promise<undefined> {
    const { pool, events } = this.#options;
    await removeDelivery(pool, claimed).catch((error) => events.failed('endpoints', error));
    return undefined;
  }
}

/** Whether the attempt was aborted, so that its result is not known. */
function isLost({ error }: EndpointResult): boolean {
  return error?.code === 'worker_lost';
}

function toAttempted({ error, statusCode, durationMs }: EndpointResult) {
  return { code: error?.code ?? null, statusCode, seconds: durationMs / 1_000 };
}

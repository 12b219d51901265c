import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Channel } from './settings.ts';

interface Condition {
  channel: Channel;
  /** How many requests the fault affects; default: no limit. */
  times?: number;
  /** The probability that the fault affects a request, from 0 to 1; default: 1. */
  probability?: number;
  /** `send` by default. */
  applies_to?: 'send' | 'lookup' | 'all';
  /** Affects only messages with a recipient whose address contains this text; a look-up has no recipient. */
  recipient?: string;
}

/** A failure between a provider and its caller. */
export type Fault = Condition &
  (
    | { type: 'status'; status: number; retry_after?: number }
    | { type: 'latency'; ms: number }
    | { type: 'timeout' }
    | { type: 'reset' }
    | { type: 'lost_response' }
    | { type: 'malformed' }
    | { type: 'no_id'; status?: number }
  );

/** The request that a fault affects; `proceed` does what the provider would do, without the response. */
export interface Exchange {
  request: Request;
  response: Response;
  proceed: () => void;
}

type Of<Type> = Extract<Fault, { type: Type }>;
type Effect<Type> = (fault: Of<Type>, exchange: Exchange) => Promise<void> | void;

/** Each effect ends the exchange, except latency, after which the next fault follows. */
const effects: { [Type in Fault['type']]: Effect<Type> } = {
  status: ({ status, retry_after }, { response }) => {
    if (retry_after !== undefined) response.set('retry-after', String(retry_after));
    response.status(status).json({ error: { code: `simulated_${status}`, message: 'A simulated failure' } });
  },
  latency: async ({ ms }) => {
    await sleep(ms, undefined, { ref: false });
  },
  timeout: () => undefined,
  reset: (_fault, { request }) => {
    request.socket.resetAndDestroy();
  },
  lost_response: (_fault, { request, proceed }) => {
    proceed();
    request.socket.destroy();
  },
  malformed: (_fault, { response, proceed }) => {
    proceed();
    response.status(202).type('json').send('{"id": ');
  },
  no_id: ({ status = 200 }, { response }) => {
    response.status(status).json({ status: 'queued' });
  },
};

/**
 * Applies faults one after another.
 *
 * @returns whether a fault ended the exchange; otherwise the provider processes the request as usual.
 */
export async function applyFaults(faults: readonly Fault[], exchange: Exchange): Promise<boolean> {
  for (const fault of faults) {
    await (effects[fault.type] as Effect<Fault['type']>)(fault as never, exchange);
    if (fault.type !== 'latency') return true;
  }
  return false;
}

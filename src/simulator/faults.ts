import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { Channel } from './provider/settings.ts';

interface Condition {
  channel: Channel;
  /** How often it strikes before it is used up; for ever unless told. */
  times?: number;
  /** How likely it strikes, from 0 to 1; always unless told. */
  probability?: number;
  /** `send` by default. */
  applies_to?: 'send' | 'lookup' | 'all';
  /** Only messages with a recipient whose address contains this text; a look-up names no recipient. */
  recipient?: string;
}

/** Something that goes wrong between a provider and its caller; a fault is data. */
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

/** What a fault works on: `carryOn` does what the provider would have done, without the answer. */
export interface Exchange {
  request: Request;
  response: Response;
  carryOn: () => void;
}

type Of<Type> = Extract<Fault, { type: Type }>;
type Effect<Type> = (fault: Of<Type>, exchange: Exchange) => Promise<void> | void;

/** Each ends the exchange, but for latency, after which the next fault has its turn. */
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
  lost_response: (_fault, { request, carryOn }) => {
    carryOn();
    request.socket.destroy();
  },
  malformed: (_fault, { response, carryOn }) => {
    carryOn();
    response.status(202).type('json').send('{"id": ');
  },
  no_id: ({ status = 200 }, { response }) => {
    response.status(status).json({ status: 'queued' });
  },
};

export const FAULT_TYPES = Object.keys(effects);

/**
 * Lets faults strike, one after the other.
 *
 * @returns whether the exchange is over; if not, it goes on as if nothing had been.
 */
export async function strike(faults: readonly Fault[], exchange: Exchange): Promise<boolean> {
  for (const fault of faults) {
    await (effects[fault.type] as Effect<Fault['type']>)(fault as never, exchange);
    if (fault.type !== 'latency') return true;
  }
  return false;
}

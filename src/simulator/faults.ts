import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, Response } from 'express';
import { type Channel, ControlError, objectOf } from './settings.ts';

interface Condition {
  channel: Channel;
  /** How often it strikes before it is used up; for ever unless told. */
  times?: number;
  /** How likely it strikes, from 0 to 1; always unless told. */
  probability?: number;
  /** `send` unless told. */
  applies_to?: 'send' | 'lookup' | 'all';
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
  );

/** What a fault works on: `carryOn` does what the provider would have done, without the answer. */
export interface Exchange {
  request: Request;
  response: Response;
  carryOn: () => void;
}

type Of<Type> = Extract<Fault, { type: Type }>;
type Effects = { [Type in Fault['type']]: (fault: Of<Type>, exchange: Exchange) => Promise<void> | void };

/** Each ends the exchange, but for latency, after which the next fault has its turn. */
const effects: Effects = {
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
};

/** The faults that are set, in the order in which they are looked at. */
export class FaultList {
  #faults: Fault[] = [];

  get all(): readonly Fault[] {
    return this.#faults;
  }

  /** @throws {ControlError} where one of them makes no sense; the old list stays. */
  replace(faults: unknown): void {
    if (!Array.isArray(faults)) throw new ControlError('faults must be a list');
    this.#faults = faults.map(checked);
  }

  /**
   * Lets the first fault that applies strike.
   *
   * @returns its type, or null where the exchange is to go on as if nothing were.
   */
  async strike(
    kind: 'send' | 'lookup',
    channel: Channel,
    random: () => number,
    exchange: Exchange,
  ): Promise<Fault['type'] | null> {
    for (const fault of [...this.#faults]) {
      if (fault.channel !== channel || !['all', kind].includes(fault.applies_to ?? 'send')) continue;
      if (fault.times === 0) continue;
      if (fault.probability !== undefined && random() >= fault.probability) continue;
      if (fault.times !== undefined) fault.times--;
      await (effects[fault.type] as (fault: Fault, exchange: Exchange) => Promise<void> | void)(
        fault,
        exchange,
      );
      if (fault.type !== 'latency') return fault.type;
    }
    return null;
  }
}

function checked(input: unknown): Fault {
  const fault = objectOf(input, 'a fault');
  const wrong = (name: string) =>
    new ControlError(`a fault's ${name} cannot be ${JSON.stringify(fault[name])}`);
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  if (fault.channel !== 'sms' && fault.channel !== 'email') throw wrong('channel');
  if (typeof fault.type !== 'string' || !Object.hasOwn(effects, fault.type)) throw wrong('type');
  if (fault.times !== undefined && !isCount(fault.times)) throw wrong('times');
  const { probability: p = 1, applies_to: kind = 'send' } = fault;
  if (typeof p !== 'number' || !(p >= 0 && p <= 1)) throw wrong('probability');
  if (!['send', 'lookup', 'all'].includes(kind as string)) throw wrong('applies_to');
  if (fault.type === 'latency' && !isCount(fault.ms)) throw wrong('ms');
  if (fault.type === 'status') {
    if (!isCount(fault.status) || Number(fault.status) < 300 || Number(fault.status) > 599)
      throw wrong('status');
    if (fault.retry_after !== undefined && !isCount(fault.retry_after)) throw wrong('retry_after');
  }
  return { ...fault } as unknown as Fault;
}

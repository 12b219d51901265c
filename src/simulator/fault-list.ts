import { FAULT_TYPES, type Fault } from './faults.ts';
import { type Channel, ControlError, isCount, isPart, objectOf } from './provider/settings.ts';

type Rule = (value: unknown) => boolean;

const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || rule(value);
const oneOf =
  (values: unknown[]): Rule =>
  (value) =>
    values.includes(value);

const COMMON: Record<string, Rule> = {
  channel: oneOf(['sms', 'email']),
  type: oneOf(FAULT_TYPES),
  times: optional(isCount),
  probability: optional(isPart),
  applies_to: optional(oneOf(['send', 'lookup', 'all'])),
  recipient: optional((value) => typeof value === 'string' && value !== ''),
};
const OWN: Record<string, Record<string, Rule>> = {
  status: {
    status: (value) => isCount(value) && value >= 300 && value <= 599,
    retry_after: optional(isCount),
  },
  latency: { ms: isCount },
  no_id: { status: optional((value) => isCount(value) && value >= 200 && value <= 299) },
};

/** The configured faults, in the order in which they are tried. */
export class FaultList {
  #faults: Fault[] = [];

  /** `times` is the number of remaining uses. */
  get all(): readonly Fault[] {
    return this.#faults;
  }

  /** @throws {ControlError} a fault is invalid; the list does not change. */
  replace(faults: unknown): void {
    if (!Array.isArray(faults)) throw new ControlError('faults must be a list');
    this.#faults = faults.map(checked);
  }

  /**
   * Selects the faults of a request: any number of latencies, then at most one fault that ends the request. All are
   * selected at once, so that the result depends on the order of the requests and not on their duration.
   */
  draw(
    kind: 'send' | 'lookup',
    channel: Channel,
    recipients: readonly string[],
    random: () => number,
  ): Fault[] {
    const drawn: Fault[] = [];
    for (const fault of this.#faults) {
      const { applies_to = 'send', recipient, probability, times } = fault;
      if (fault.channel !== channel || (applies_to !== 'all' && applies_to !== kind)) continue;
      if (recipient !== undefined && !recipients.some((address) => address.includes(recipient))) continue;
      if (times === 0) continue;
      if (probability !== undefined && random() >= probability) continue;
      if (times !== undefined) fault.times = times - 1;
      drawn.push(fault);
      if (fault.type !== 'latency') break;
    }
    return drawn;
  }
}

function checked(input: unknown): Fault {
  const fault = objectOf(input, 'a fault');
  const rules = { ...COMMON, ...OWN[String(fault.type)] };
  for (const [name, rule] of Object.entries(rules)) {
    if (!rule(fault[name])) {
      throw new ControlError(`a fault's ${name} cannot be ${JSON.stringify(fault[name]) ?? 'left out'}`);
    }
  }
  const unknown = Object.keys(fault).find((name) => !Object.hasOwn(rules, name));
  if (unknown !== undefined) throw new ControlError(`a fault of this type has no ${unknown}`);
  return { ...fault } as unknown as Fault;
}

import type { Fault } from './faults.ts';
import type { Channel, DialectName } from './settings.ts';

/** The request that faults are selected for. */
export interface ProviderRequest {
  kind: 'send' | 'lookup';
  dialect: DialectName;
  channel: Channel;
  /** Empty for a look-up. */
  recipients: readonly string[];
}

/** The configured faults, in the order in which they are tried. */
export class FaultList {
  #faults: Fault[] = [];

  /** `times` is the number of remaining uses. */
  get all(): readonly Fault[] {
    return this.#faults;
  }

  replace(faults: readonly Fault[]): void {
    this.#faults = faults.map((fault) => ({ ...fault }));
  }

  /**
   * Selects the faults of a request: any number of latencies, then at most one fault that ends the request. All are
   * selected at once, so that the result depends on the order of the requests and not on their duration.
   */
  draw({ kind, dialect, channel, recipients }: ProviderRequest, random: () => number): Fault[] {
    const drawn: Fault[] = [];
    for (const fault of this.#faults) {
      const { applies_to = 'send', recipient, probability, times } = fault;
      if (fault.channel !== channel || (applies_to !== 'all' && applies_to !== kind)) continue;
      if (fault.dialect !== undefined && fault.dialect !== dialect) continue;
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

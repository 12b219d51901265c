import type { SmtpPhase } from './dialects/smtp/faults.ts';
import type { Fault } from './faults.ts';
import { fileEffects } from './media/effects.ts';
import type { Channel, DialectName } from './settings.ts';

/** The request that faults are selected for. */
export interface ProviderRequest {
  kind: 'send' | 'lookup' | 'file';
  dialect: DialectName;
  channel: Channel;
  /** Empty for a look-up and for a file. */
  recipients: readonly string[];
  /** The id of the file. */
  file?: string;
  /** The step of an SMTP session; only faults of this step affect it. */
  phase?: SmtpPhase;
  /** The types of faults that affect the request; default: all. */
  types?: (type: Fault['type']) => boolean;
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
  draw(request: ProviderRequest, random: () => number): Fault[] {
    const drawn: Fault[] = [];
    for (const fault of this.#faults) {
      const { probability, times } = fault;
      if (!affects(fault, request) || times === 0) continue;
      if (probability !== undefined && random() >= probability) continue;
      if (times !== undefined) fault.times = times - 1;
      drawn.push(fault);
      if (fault.type !== 'latency') break;
    }
    return drawn;
  }
}

function affects(
  fault: Fault,
  { kind, dialect, channel, recipients, file, phase, types }: ProviderRequest,
): boolean {
  const { type, recipient, applies_to = type in fileEffects ? 'file' : 'send' } = fault;
  return (
    fault.channel === channel &&
    (fault.type === 'smtp' ? fault.phase : undefined) === phase &&
    (applies_to === 'all' || applies_to === kind) &&
    (fault.dialect === undefined || fault.dialect === dialect) &&
    (recipient === undefined || recipients.some((address) => address.includes(recipient))) &&
    (fault.file === undefined || fault.file === file) &&
    (types === undefined || types(type))
  );
}

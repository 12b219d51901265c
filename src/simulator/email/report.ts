import type { Simulation } from '../simulation.ts';
import type { Accepted, Receipt } from '../store.ts';
import { pause } from '../webhook-client.ts';
import type { Step } from './steps.ts';

export interface ReportOptions {
  simulation: Simulation;
  /** Whether the events are sent without a delay. */
  isEarly: boolean;
  /**
   * Posts the webhook of a step once.
   *
   * @returns whether the service answered 2xx.
   */
  deliver: (step: Step, id: string) => Promise<boolean>;
  /** The id of the webhook of a step, which its repeats have too. */
  idOf: () => string;
}

/**
 * Sends the events of an email. Resolves when each event is delivered or given up, or when the pending receipts are dropped.
 */
export async function reportSteps(
  accepted: Accepted,
  steps: readonly Step[],
  { simulation, isEarly, deliver, idOf }: ReportOptions,
): Promise<void> {
  const { settings, signal } = simulation;
  const { delay_ms, repeats, disorder, enabled } = settings.receipts;
  if (!enabled) return;
  const isGroup = new Set(steps.flatMap(({ recipients }) => recipients)).size > 1;
  const ordered = disorder ? steps.toReversed() : steps;
  const due = ordered.map((step) => {
    const [recipient] = step.recipients;
    const isOfOne = isGroup && step.recipients.length === 1 && recipient !== undefined;
    const receipt: Receipt = {
      status: step.event,
      acknowledged: 0,
      failed: 0,
      ...(isOfOne && { recipient }),
    };
    return { step, receipt };
  });
  accepted.receipts = due.map(({ receipt }) => receipt);
  for (const { step, receipt } of due) {
    if (!isEarly) await pause(delay_ms);
    const id = idOf();
    for (let time = 0; time <= repeats && !signal.aborted; time++) {
      const isDelivered = await simulation.webhooks.limit(() => deliver(step, id)).catch(() => false);
      if (isDelivered) receipt.acknowledged++;
      else receipt.failed++;
    }
  }
}

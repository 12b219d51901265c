import { occurs } from '../settings.ts';
import type { Simulation } from '../simulation.ts';
import type { Accepted, Receipt } from '../store.ts';
import { type Answer, isSuccess, pause } from '../webhook-client.ts';
import type { Step } from './steps.ts';

export interface ReportOptions {
  simulation: Simulation;
  /** Posts the webhook of a step once. */
  deliver: (step: Step, id: string) => Promise<Pick<Answer, 'status'>>;
  /** The id of the webhook of a step, which its repeats have too. */
  idOf: () => string;
}

/** Starts to send the events of an email. Early events have been sent, without a delay, when the promise resolves. */
export async function reportSteps(
  accepted: Accepted,
  steps: readonly Step[],
  options: ReportOptions,
): Promise<void> {
  const { settings, random } = options.simulation;
  const isEarly = occurs(settings.receipts.early_rate, random);
  const reported = send(accepted, steps, isEarly, options);
  if (isEarly) await reported;
}

/** Resolves when each event is delivered or given up, or when the pending receipts are dropped. */
async function send(
  accepted: Accepted,
  steps: readonly Step[],
  isEarly: boolean,
  { simulation, deliver, idOf }: ReportOptions,
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
      const answer = await simulation.webhooks.limit(() => deliver(step, id)).catch(() => null);
      if (answer !== null && isSuccess(answer)) receipt.acknowledged++;
      else receipt.failed++;
    }
  }
}

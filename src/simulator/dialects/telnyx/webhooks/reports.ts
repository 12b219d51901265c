import { occurs, webhookUrlOf } from '../../../settings.ts';
import type { Accepted, Receipt } from '../../../store.ts';
import { pause } from '../../../webhook-client.ts';
import type { AccountContext } from '../account.ts';
import { errorOf } from '../errors.ts';
import { type Message, presented, type Recipient } from '../message.ts';
import { deliveryErrorOf } from '../refusals.ts';
import { type Event, eventOf } from './sender.ts';

/** A change of the status of a recipient after the creation of the message. */
interface Step {
  type: string;
  recipient: Recipient;
  status: string;
  errorCode: number | null;
}

const UNDELIVERABLE = 40_008;
/** The final statuses of some codes; the others have `delivery_failed`. */
const FINAL_STATUSES: Record<number, string> = {
  40009: 'sending_failed',
  40014: 'expired',
  40317: 'sending_failed',
};
const UNKNOWN_STATUS = 'rerouted';

/** The changes of the statuses of a message. The status `queued` at creation is not reported. */
function stepsOf({ recipients }: Message, { simulation }: AccountContext, error: number | null): Step[] {
  const { settings, random } = simulation;
  const finals = recipients.map((recipient): Step => {
    const code = error ?? deliveryErrorOf(recipient.phoneNumber);
    const errorCode = code ?? (occurs(settings.receipts.failure_rate, random) ? UNDELIVERABLE : null);
    const status = errorCode === null ? 'delivered' : (FINAL_STATUSES[errorCode] ?? 'delivery_failed');
    return { type: 'message.finalized', recipient, status, errorCode };
  });
  const all = (type: string, status: string) =>
    recipients.map((recipient): Step => ({ type, recipient, status, errorCode: null }));
  if (error !== null) return finals;
  return [
    ...all('message.sent', 'sent'),
    ...(settings.telnyx.unknown_status ? all('message.rerouted', UNKNOWN_STATUS) : []),
    ...finals,
  ];
}

/**
 * Takes a message through its statuses and sends its reports: one for each recipient and status. Resolves when each report is
 * delivered or given up, or when the pending receipts are dropped.
 *
 * @param isEarly whether the statuses follow each other without a delay.
 * @param error the code of the error that prevents the delivery to every recipient.
 */
export async function progress(
  message: Message,
  accepted: Accepted,
  context: AccountContext,
  isEarly: boolean,
  error: number | null = null,
): Promise<void> {
  const { settings, signal, random } = context.simulation;
  const { enabled, delay_ms, disorder, loss_rate } = settings.receipts;
  const plan = stepsOf(message, context, error).map((step) => {
    const isReported = enabled && !occurs(loss_rate, random);
    return { step, receipt: isReported ? receiptOf(message, step) : null };
  });
  const receipts = plan.flatMap(({ receipt }) => receipt ?? []);
  accepted.receipts = disorder ? receipts.toReversed() : receipts;
  const pending: (() => Promise<void>)[] = [];
  for (const { step, receipt } of plan) {
    if (!isEarly) await pause(delay_ms);
    if (signal.aborted) return;
    advance(message, step);
    if (receipt === null) continue;
    const event = reportOf(message, step);
    const report = () => sendReport(message, event, receipt, context);
    if (disorder) pending.unshift(report);
    else await report();
  }
  for (const report of pending) await report();
}

function receiptOf({ isGroup }: Message, { status, recipient }: Step): Receipt {
  const receipt: Receipt = { status, acknowledged: 0, failed: 0 };
  return isGroup ? { ...receipt, recipient: recipient.phoneNumber } : receipt;
}

function advance(message: Message, { type, recipient, status, errorCode }: Step): void {
  recipient.status = status;
  recipient.errorCode = errorCode;
  if (type === 'message.sent') message.sentAt = new Date();
  if (type === 'message.finalized') message.completedAt = new Date();
}

/** The event of a status; in a group, it is about one recipient and names the others. */
export function reportOf(message: Message, { type, recipient, errorCode }: Omit<Step, 'status'>): Event {
  const payload = presented(message, message.isGroup ? recipient : undefined);
  const index = message.recipients.indexOf(recipient);
  const errors = errorCode === null ? [] : [errorOf(errorCode, undefined, `/to/${index}`)];
  return eventOf(type, { ...payload, errors });
}

/** Sends a report and its repeats, all with one event id. */
async function sendReport(
  { webhookUrl, webhookFailoverUrl }: Message,
  event: Event,
  receipt: Receipt,
  { simulation, webhooks }: AccountContext,
): Promise<void> {
  const { signal, settings } = simulation;
  const urls = [
    webhookUrl ?? webhookUrlOf(simulation, 'telnyx'),
    ...(webhookFailoverUrl ? [webhookFailoverUrl] : []),
  ];
  for (let time = 0; time <= settings.receipts.repeats && !signal.aborted; time++) {
    const status = await simulation.webhooks
      .limit(() => webhooks.post(urls, event))
      .then(
        (answer) => answer.status,
        () => 0,
      );
    if (status >= 200 && status < 300) receipt.acknowledged++;
    else receipt.failed++;
  }
}

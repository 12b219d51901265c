import { occurs, type Settings } from '../../settings.ts';
import type { Accepted, Receipt } from '../../store.ts';
import { pause } from '../../webhook-client.ts';
import type { AccountContext } from './account.ts';
import { webhookError } from './errors.ts';
import type { SendRequest } from './refusals.ts';

/** A status of a message that is reported. */
export interface Step {
  status: string;
  errorCode: number | null;
}

export interface Sent {
  id: string;
  request: SendRequest;
  /** The entry of the control API. */
  accepted: Accepted;
}

/** Errors after which Vonage reports that the message is `rejected`; after any other it is `undeliverable`. */
const REJECTIONS = new Set([1040, 1050, 1210, 1240, 1380]);
const UNREACHABLE = 1260;
const UNKNOWN_STATUS = 'rerouted';

/**
 * The statuses of a message that are reported, in the order of time.
 *
 * @param errorCode the error that prevents the delivery; null for none.
 */
export function stepsOf(
  errorCode: number | null,
  { receipts, vonage }: Settings,
  random: () => number,
): Step[] {
  const code = errorCode ?? (occurs(receipts.failure_rate, random) ? UNREACHABLE : null);
  const step = (status: string, own: number | null = null): Step => ({ status, errorCode: own });
  const steps = [
    step('submitted'),
    ...(vonage.unknown_status ? [step(UNKNOWN_STATUS)] : []),
    code === null ? step('delivered') : step(REJECTIONS.has(code) ? 'rejected' : 'undeliverable', code),
  ];
  const due = code !== null && REJECTIONS.has(code) ? steps.slice(1) : steps;
  return due.filter(() => !occurs(receipts.loss_rate, random));
}

/**
 * Sends the status webhooks of a message. Resolves when each is delivered or given up, or when the pending receipts are dropped.
 *
 * @param url called before each webhook, because the URL of the service may change.
 * @param isEarly whether the statuses follow each other without a delay.
 */
export async function progress(
  sent: Sent,
  steps: Step[],
  context: AccountContext,
  url: () => string,
  isEarly: boolean,
): Promise<void> {
  const { settings, signal } = context.simulation;
  const { enabled, delay_ms, disorder } = settings.receipts;
  if (!enabled) return;
  const ordered = disorder ? steps.toReversed() : steps;
  const due = ordered.map((step) => ({
    event: statusOf(sent, step, settings),
    receipt: { status: step.status, acknowledged: 0, failed: 0 },
  }));
  sent.accepted.receipts = due.map(({ receipt }) => receipt);
  for (const { event, receipt } of due) {
    if (!isEarly) await pause(delay_ms);
    if (signal.aborted) return;
    await report(event, receipt, context, url);
  }
}

/** The body of a status webhook. Source: https://developer.vonage.com/en/api/messages */
export function statusOf(
  { id, request }: Pick<Sent, 'id' | 'request'>,
  { status, errorCode }: Step,
  { vonage }: Settings,
): object {
  const { channel, to, from, client_ref } = request;
  return {
    message_uuid: id,
    to,
    from,
    timestamp: new Date().toISOString(),
    status,
    ...(errorCode !== null && { error: webhookError(errorCode) }),
    ...(client_ref !== undefined && { client_ref }),
    channel,
    ...(status !== 'rejected' && { usage: { currency: 'EUR', price: '0.0333' } }),
    ...(vonage.unknown_fields && UNKNOWN_FIELDS),
  };
}

/** Fields that are not documented. */
export const UNKNOWN_FIELDS = { future_field: " it's new & + ", future_list: [{ a: 1 }, null] };

/** Sends a status webhook and its repeats. */
async function report(
  event: object,
  receipt: Receipt,
  { simulation, webhooks }: AccountContext,
  url: () => string,
): Promise<void> {
  const { signal, settings } = simulation;
  for (let time = 0; time <= settings.receipts.repeats && !signal.aborted; time++) {
    const status = await webhooks.deliver(url(), event, settings.vonage.unsigned_first, signal).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status >= 200 && status < 300) receipt.acknowledged++;
    else receipt.failed++;
  }
}

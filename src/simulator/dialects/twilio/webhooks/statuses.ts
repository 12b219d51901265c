import { randomUUID } from 'node:crypto';
import { occurs, type Settings } from '../../../settings.ts';
import type { Accepted, Receipt } from '../../../store.ts';
import { pause } from '../../../webhook-client.ts';
import type { AccountContext } from '../account.ts';
import { messageOf } from '../errors.ts';
import { API_VERSION, type Message } from '../message.ts';

/** A change of the status of a message after its creation. */
export interface Step {
  status: string;
  errorCode: number | null;
  /** Whether a status callback is sent. */
  isReported: boolean;
}

/** A message with the status callbacks that its request asked for. */
export interface Sent {
  message: Message;
  /** The entry of the control API. */
  accepted: Accepted;
  statusCallback: string | null;
}

/** Errors before the message leaves Twilio: the message is `failed`, not `undelivered`. */
const NOT_SENT = new Set([11200, 21610, 30001, 30002, 30034]);
const UNREACHABLE = 30003;
const UNKNOWN_STATUS = 'rerouted';
/** The sender that a Messaging Service without configured senders chooses. */
const POOL_SENDER = '+15005550006';

/**
 * The changes of the status of a message. The status at creation, `queued` or with a Messaging Service `accepted`, is not
 * reported. Source: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
 *
 * @param errorCode the error that prevents the delivery; null for none.
 */
export function stepsOf(
  { messagingServiceSid }: Message,
  errorCode: number | null,
  { receipts, twilio }: Settings,
  random: () => number,
): Step[] {
  const code = errorCode ?? (occurs(receipts.failure_rate, random) ? UNREACHABLE : null);
  const step = (status: string, own: number | null = null): Step => ({
    ...{ status, errorCode: own },
    isReported: !occurs(receipts.loss_rate, random),
  });
  const queued = messagingServiceSid === null ? [] : [step('queued')];
  if (code !== null && NOT_SENT.has(code)) return [...queued, step('failed', code)];
  return [
    ...queued,
    step('sending'),
    step('sent'),
    ...(twilio.unknown_status ? [step(UNKNOWN_STATUS)] : []),
    code === null ? step('delivered') : step('undelivered', code),
  ];
}

/**
 * Takes a message through its statuses and sends the status callbacks. Resolves when each callback is delivered or given
 * up, or when the pending receipts are dropped.
 *
 * @param isEarly whether the statuses follow each other without a delay.
 */
export async function progress(
  sent: Sent,
  steps: Step[],
  context: AccountContext,
  isEarly: boolean,
): Promise<void> {
  const { settings, signal } = context.simulation;
  const { enabled, delay_ms, disorder } = settings.receipts;
  const hasCallbacks = enabled && sent.statusCallback !== null;
  const plan = steps.map((step) => {
    const isReported = hasCallbacks && step.isReported;
    return { step, receipt: isReported ? { status: step.status, acknowledged: 0, failed: 0 } : null };
  });
  const receipts = plan.flatMap(({ receipt }) => receipt ?? []);
  sent.accepted.receipts = disorder ? receipts.toReversed() : receipts;
  const pending: (() => Promise<void>)[] = [];
  for (const { step, receipt } of plan) {
    if (!isEarly) await pause(delay_ms);
    if (signal.aborted) return;
    advance(sent.message, step, settings);
    if (receipt === null) continue;
    const form = callbackOf(sent.message, settings);
    const report = () => sendCallback(sent, form, receipt, context);
    if (disorder) pending.unshift(report);
    else await report();
  }
  for (const report of pending) await report();
}

function advance(message: Message, { status, errorCode }: Step, { twilio }: Settings): void {
  message.from ??= twilio.senders?.[0] ?? POOL_SENDER;
  message.status = status;
  message.errorCode = errorCode;
  message.errorMessage = errorCode === null ? null : messageOf(errorCode);
  message.updatedAt = new Date();
  if (status === 'sent') message.sentAt = message.updatedAt;
}

/** The form of a status callback. */
export function callbackOf(
  { sid, status, errorCode, ...message }: Message,
  { twilio }: Settings,
): URLSearchParams {
  const form = new URLSearchParams();
  if (errorCode !== null) form.set('ErrorCode', String(errorCode));
  form.set('SmsSid', sid);
  form.set('SmsStatus', status);
  form.set('MessageStatus', status);
  form.set('To', message.to);
  if (message.messagingServiceSid !== null) form.set('MessagingServiceSid', message.messagingServiceSid);
  form.set('MessageSid', sid);
  form.set('AccountSid', message.accountSid);
  form.set('From', message.from ?? '');
  form.set('ApiVersion', API_VERSION);
  if (status === 'delivered' || status === 'undelivered')
    form.set('RawDlrDoneDate', message.updatedAt.toISOString().replace(/\D/g, '').slice(2, 12));
  if (twilio.unknown_fields) addUnknownFields(form);
  return form;
}

/** Parameters that are not documented, one of them repeated. */
export function addUnknownFields(form: URLSearchParams): void {
  form.append('FutureList', 'b');
  form.append('FutureList', 'a');
  form.append('FutureField', " it's new & + ");
}

/** Sends a status callback and its repeats, all with one idempotency token. */
async function sendCallback(
  { statusCallback }: Sent,
  form: URLSearchParams,
  receipt: Receipt,
  { simulation, webhooks }: AccountContext,
): Promise<void> {
  const { signal, settings } = simulation;
  const token = randomUUID();
  for (let time = 0; time <= settings.receipts.repeats && !signal.aborted; time++) {
    const post = () => webhooks.post(statusCallback as string, form, { token });
    const status = await simulation.webhooks.limit(post).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status >= 200 && status < 300) receipt.acknowledged++;
    else receipt.failed++;
  }
}

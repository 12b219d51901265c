import { randomUUID } from 'node:crypto';
import { occurs, type Settings } from '../../settings.ts';
import type { Accepted } from '../../store.ts';
import { pause } from '../../webhook-client.ts';
import { type WebhookSender, webhookUrl } from './webhooks.ts';

export interface Outcome {
  /** `complained` and `unsubscribed` are marks of the recipient. */
  status: 'queued' | 'sent' | 'delivered' | 'undelivered' | 'failed' | 'complained' | 'unsubscribed';
  error: { code: string; detail: string } | null;
  /** Of an email to an address that will never accept one. */
  bounce?: 'hard';
  /** The recipient that the receipt is about; default: all recipients. */
  recipient?: string;
}

const SENT: Outcome = { status: 'sent', error: null };
/** The provider could not read a file of the message. */
export const UNREADABLE: Outcome = {
  status: 'failed',
  error: { code: 'media_unreadable', detail: 'A file of the message cannot be read' },
};
const DELIVERED: Outcome = { status: 'delivered', error: null };
const UNDELIVERED: Outcome = {
  status: 'undelivered',
  error: { code: '30003', detail: 'The recipient cannot be reached' },
};
const HARD_BOUNCE: Outcome = { ...UNDELIVERED, bounce: 'hard' };
/** Numbers with these last digits, and mailboxes with these names, have other outcomes than to be delivered. */
const COURSES: [recipient: RegExp, course: Outcome[]][] = [
  [/0000008$|^bounce@/, [UNDELIVERED]],
  [/^hard-bounce@/, [HARD_BOUNCE]],
  [/^late-bounce@/, [DELIVERED, HARD_BOUNCE]],
  [/^complaint@/, [DELIVERED, { status: 'complained', error: null }]],
  [/^unsubscribe@/, [DELIVERED, { status: 'unsubscribed', error: null }]],
];

/** A mark names its recipient, whatever other receipts do. */
function courseOf(address: string): Outcome[] | undefined {
  const course = COURSES.find(([recipient]) => recipient.test(address))?.[1];
  return course?.map((outcome) => (isMark(outcome) ? { ...outcome, recipient: address } : outcome));
}

function isMark({ status }: Outcome): boolean {
  return status === 'complained' || status === 'unsubscribed';
}

/** The recipients of a message in order. */
export function recipientsOf({ request: { to, cc = [], bcc = [] } }: Accepted): string[] {
  return [to, cc, bcc].flat().map(String);
}

/** The statuses of a message that are reported, in the order of their receipts. */
export function outcomesOf(message: Accepted, settings: Settings, random: () => number): Outcome[] {
  const { failure_rate, loss_rate, disorder, recipients } = settings.receipts;
  const all = recipientsOf(message);
  const outcomes = (addresses: string[]): Outcome[] => {
    const own = addresses.map(courseOf).find((course) => course !== undefined);
    return [SENT, ...(own ?? (occurs(failure_rate, random) ? [UNDELIVERED] : [DELIVERED]))];
  };
  const each = () =>
    all.flatMap((recipient) => outcomes([recipient]).map((outcome) => ({ ...outcome, recipient })));
  const due =
    recipients === 'together' || all.length < 2 ? outcomes([message.request.to].flat().map(String)) : each();
  const reported = due.filter(() => !occurs(loss_rate, random));
  return disorder ? reported.reverse() : reported;
}

/**
 * Sends the receipts of a message to the service. Resolves when each receipt is delivered or given up, or when `signal`
 * is aborted.
 *
 * @param settings called before each delivery, because the URL of the service may change.
 * @param isEarly whether the receipts are sent without a delay.
 */
export async function report(
  message: Accepted,
  outcomes: Outcome[],
  settings: () => Settings,
  sender: WebhookSender,
  signal: AbortSignal,
  isEarly = false,
): Promise<void> {
  const { delay_ms, repeats } = settings().receipts;
  const url = () => webhookUrl(settings(), message.channel, '/status');
  const due = outcomes.map((outcome) => {
    const { status, recipient } = outcome;
    const receipt = { status, acknowledged: 0, failed: 0, ...(recipient !== undefined && { recipient }) };
    return { outcome, receipt };
  });
  message.receipts = due.map(({ receipt }) => receipt);
  for (const { outcome, receipt } of due) {
    if (!isEarly) await pause(delay_ms);
    const id = `evt_${randomUUID()}`;
    const event = eventOf(message, outcome);
    for (let time = 0; time <= repeats && !signal.aborted; time++) {
      if (await sender.deliver(url, id, event, signal)) receipt.acknowledged++;
      else receipt.failed++;
    }
  }
}

/** A recipient with an id of its own is named by this id, and any other recipient by its address. */
function eventOf(message: Accepted, { status, error, bounce, recipient }: Outcome): object {
  const own = message.recipients?.find(({ address }) => address === recipient);
  const id = own?.id ?? message.id;
  return {
    ...(message.channel === 'sms' ? { messaging_provider_id: id } : { xillio_id: id }),
    ...(recipient !== undefined && !own && { recipient }),
    ...{ status, timestamp: new Date().toISOString(), error },
    ...(bounce && { bounce }),
  };
}

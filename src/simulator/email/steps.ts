import { occurs, type Settings } from '../settings.ts';

export type EmailEvent =
  | 'sent'
  | 'deferred'
  | 'delivered'
  | 'bounced'
  | 'dropped'
  | 'complained'
  | 'unsubscribed'
  | 'opened'
  | 'clicked';

/** What happens to an email after the provider accepted it. */
export interface Step {
  event: EmailEvent;
  /** The recipients that the event is about. */
  recipients: string[];
  /** Of `bounced`: `hard` if the address will never accept an email. */
  bounce?: 'hard' | 'soft';
}

type Course = Pick<Step, 'event' | 'bounce'>[];

const DELIVERED: Course = [{ event: 'delivered' }];
const BOUNCED: Course = [{ event: 'bounced', bounce: 'soft' }];

/** The mailboxes whose emails have another course than to be delivered. The same names bounce as in the standard dialect. */
const COURSES = new Map<string, Course>(
  Object.entries<Course>({
    bounce: BOUNCED,
    'hard-bounce': [{ event: 'bounced', bounce: 'hard' }],
    'late-bounce': [...DELIVERED, { event: 'bounced', bounce: 'hard' }],
    delayed: [{ event: 'deferred' }, ...DELIVERED],
    dropped: [{ event: 'dropped' }],
    complaint: [...DELIVERED, { event: 'complained' }],
    unsubscribe: [...DELIVERED, { event: 'unsubscribed' }],
    open: [...DELIVERED, { event: 'opened' }],
    click: [...DELIVERED, { event: 'opened' }, { event: 'clicked' }],
  }),
);

/** The mailbox that the provider refuses in the request to send. */
export const REFUSED = /^reject@/;

/** The events of an email in their order: one that it was sent, and those of each recipient. */
export function stepsOf(recipients: readonly string[], settings: Settings, random: () => number): Step[] {
  const { failure_rate, loss_rate } = settings.receipts;
  const courses = recipients.map((recipient) => {
    const own = COURSES.get(recipient.slice(0, recipient.lastIndexOf('@')));
    const course = own ?? (occurs(failure_rate, random) ? BOUNCED : DELIVERED);
    return course.map((part): Step => ({ ...part, recipients: [recipient] }));
  });
  const all: Step[] = [{ event: 'sent', recipients: [...recipients] }, ...courses.flat()];
  return all.filter(() => !occurs(loss_rate, random));
}

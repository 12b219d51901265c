import type { AccountContext } from './account.ts';
import type { Message } from './message.ts';

type Query = Record<string, string | undefined>;

/** A time without a zone is UTC. */
const WITHOUT_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/;
const DAY = /^\d{4}-\d\d-\d\d/;

/** The list of messages has no message that is younger than the setting `list_delay_ms`. The newest is first. */
export function listed({ account, simulation }: AccountContext, query: Query): Message[] {
  const youngest = Date.now() - simulation.settings.twilio.list_delay_ms;
  return account
    .newestFirst()
    .filter((message) => message.createdAt.getTime() <= youngest && matches(message, query));
}

/** Whether each time of a query can be read. */
export function hasValidTimes(query: Query): boolean {
  const times = ['DateSent', 'DateSent<', 'DateSent>'].map((name) => query[name]);
  return times.every((time) => time === undefined || !Number.isNaN(secondsOf(time)));
}

/** A message that is not sent yet counts as sent at its creation. Both limits include their second. */
function matches({ to, from, sentAt, createdAt }: Message, query: Query): boolean {
  const { To, From, DateSent: day, 'DateSent<': until, 'DateSent>': since } = query;
  const time = sentAt ?? createdAt;
  const seconds = Math.floor(time.getTime() / 1_000);
  return (
    (To === undefined || to === To) &&
    (From === undefined || from === From) &&
    (day === undefined || time.toISOString().startsWith(dayOf(day))) &&
    (until === undefined || seconds <= secondsOf(until)) &&
    (since === undefined || seconds >= secondsOf(since))
  );
}

function secondsOf(time: string): number {
  return Math.floor(Date.parse(WITHOUT_ZONE.test(time) ? `${time.replace(' ', 'T')}Z` : time) / 1_000);
}

function dayOf(time: string): string {
  return DAY.exec(time)?.[0] ?? new Date(secondsOf(time) * 1_000).toISOString().slice(0, 10);
}

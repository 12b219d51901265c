import { coverageOf } from '../coverage.ts';
import type { ChaosEvent } from '../evidence.ts';
import { checkEach, type Rule } from './rule.ts';

/** A run without enough disruptions proves nothing. */
const disruptedAsPlanned: Rule = (facts) =>
  checkEach(
    coverageOf(facts),
    ({ name, minimum, actual }) => actual < minimum && `${name}: ${actual} instead of ${minimum}`,
  );

/** The error of a service that cannot start without its database. */
const NO_DATABASE_AT_START = /: messaging-service: DATABASE_URL: /;
/** The max time after which a process that was started without a database exits. */
const START_MS = 10_000;

/** A process exits if the database, or its connection to it, is unavailable at its start. A running process continues without a database. */
const noProcessExits: Rule = ({ events }) =>
  checkEach(
    events.filter(({ kind }) => kind === 'process exited'),
    ({ at, detail }) => {
      const database = events.filter((event) => event.at <= at && event.kind.startsWith('database')).at(-1);
      const own = events.filter((event) => event.at <= at && /^worker c(ut|on)/.test(event.kind)).at(-1);
      const isWithout = (last: ChaosEvent | undefined, lost: ChaosEvent['kind']) =>
        last !== undefined && (last.kind === lost || at - last.at < START_MS);
      const unavailable =
        isWithout(database, 'database down') ||
        (own !== undefined && detail.startsWith(`${own.detail}:`) && isWithout(own, 'worker cut off'));
      const isExpected = unavailable && NO_DATABASE_AT_START.test(detail);
      return !isExpected && `${detail}, at ${new Date(at).toISOString()}`;
    },
  );

const becomesIdle: Rule = ({ idle }) =>
  checkEach(
    [idle],
    (isIdle) => !isIdle && 'the run: messages or receipts were still pending at the time limit',
  );

/** All messages to other recipients are settled while some recipients still fail. */
const noRecipientIsStarved: Rule = ({ sent, events }) =>
  checkEach(sent.some(({ failing }) => failing !== null) ? [events] : [], (all) => {
    const settled = all.some(({ kind }) => kind === 'all others settled');
    return (
      !settled &&
      'the run: messages to other recipients waited until the time limit while some recipients failed'
    );
  });

export const RUN_RULES: Record<string, Rule> = {
  'the run has all planned disruptions': disruptedAsPlanned,
  'the run becomes idle within its time limit': becomesIdle,
  'failing recipients do not block other recipients': noRecipientIsStarved,
  'no process exits, except at a start without a database': noProcessExits,
};

import { deedsOf } from './deeds.ts';
import { each, type Rule } from './finding.ts';

/** A run that was not rough shows nothing. */
const asRoughAsPlanned: Rule = (facts) =>
  each(deedsOf(facts), ({ what, was, planned }) => was < planned && `${what}: ${was} instead of ${planned}`);

/** How the service says that it cannot start without its database. */
const NO_DATABASE_AT_START = /: messaging-service: DATABASE_URL: /;
/** What a process that was started while the database was away needs to find out. */
const STARTING_MS = 10_000;

/** A process that finds no database when it starts says so and ends; one that is running goes on. */
const nothingEndsByItself: Rule = ({ events }) =>
  each(
    events.filter(({ kind }) => kind === 'ended by itself'),
    ({ at, detail }) => {
      const database = events.filter((event) => event.at <= at && event.kind.startsWith('database')).at(-1);
      const away = database && (database.kind === 'database down' || at - database.at < STARTING_MS);
      const excused = away && NO_DATABASE_AT_START.test(detail);
      return !excused && `${detail}, at ${new Date(at).toISOString()}`;
    },
  );

const comesToRest: Rule = ({ quiet }) =>
  each([quiet], (is) => !is && 'the run: something still moved at its bound');

/** Nothing but the messages that fail was left, while they still failed. */
const nobodyIsStarved: Rule = ({ sent, events }) =>
  each(sent.some(({ failing }) => failing !== null) ? [events] : [], (all) => {
    const settled = all.some(({ kind }) => kind === 'all but failing settled');
    return (
      !settled && 'the run: messages to other recipients waited until its bound while some recipients failed'
    );
  });

export const RUN_RULES: Record<string, Rule> = {
  'the run was as rough as planned': asRoughAsPlanned,
  'the run came to rest': comesToRest,
  'recipients that fail keep nobody else waiting': nobodyIsStarved,
  'no process ended by itself, but at a start without a database': nothingEndsByItself,
};

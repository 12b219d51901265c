import type { Call, Evidence } from './evidence.ts';
import { each, type Rule } from './finding.ts';

const count = ({ events }: Evidence, wanted: string) => events.filter(({ kind }) => kind === wanted).length;

/** A run that was not rough shows nothing. */
const asRoughAsPlanned: Rule = (facts) => {
  const { plan, calls } = facts;
  const sends = calls.filter((call) => call.method === 'POST' && !duringOutage(facts, call));
  const part = (matches: (call: Call) => boolean) => sends.filter(matches).length / Math.max(1, sends.length);
  const least: [string, number, number][] = [
    ['workers killed', count(facts, 'worker killed'), plan.workerKills],
    ['API processes killed', count(facts, 'api killed'), plan.apiKills],
    ['databases restarted', count(facts, 'database up'), plan.databaseRestarts],
    ['providers away and back', count(facts, 'provider back'), plan.providerOutages],
    [
      'part of the sends that failed',
      part(({ fault }) => fault !== null && fault !== 'latency'),
      plan.failing,
    ],
    ['part of the sends whose answer was lost', part(({ fault }) => fault === 'lost_response'), plan.lost],
  ];
  return each(least, ([what, was, planned]) => was < planned && `${what}: ${was} instead of ${planned}`);
};

function duringOutage({ events }: Evidence, { channel, at }: Call): boolean {
  const before = events.filter(
    (event) => event.at <= at && event.kind.startsWith('provider') && event.detail === channel,
  );
  return before.at(-1)?.kind === 'provider away';
}

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

export const RUN_RULES: Record<string, Rule> = {
  'the run was as rough as planned': asRoughAsPlanned,
  'the run came to rest': comesToRest,
  'no process ended by itself, but at a start without a database': nothingEndsByItself,
};

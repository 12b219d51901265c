import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import { toTable } from '../checker/check.ts';
import { checkFeed } from '../checker/feed/check.ts';
import { runFeed } from './run.ts';
import { shortFeedSettings } from './settings.ts';

/** Random by default. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));
const settings = shortFeedSettings(seed);

describe('The feed, with killed processes and a restarted database', function () {
  this.timeout(settings.timeLimitMs + 60_000);
  this.slow(this.timeout());

  it('has exactly the events of the stored messages for every kind of consumer', async () => {
    const progress: string[] = [];
    const { evidence, logs } = await runFeed(settings, (line) => progress.push(line));
    const { rules, ...report } = checkFeed(evidence);
    const table = [`CHAOS_SEED=${seed}, logs in ${logs}`, ...progress, toTable({ rules, ...report })].join(
      '\n',
    );
    expect(
      rules.flatMap(({ rule, violations }) => violations.map((violation) => `${rule}: ${violation}`)),
      table,
    ).to.deep.equal([]);
    await rm(logs, { recursive: true });
  });
});

import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import { check, toTable } from './checker/check.ts';
import { runChaos } from './run.ts';
import { shortSettings } from './settings.ts';

/** Random by default. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));
const settings = shortSettings({ sms: 'twilio', email: 'keys' }, seed);

describe('With killed processes, a restarted database and failing providers', function () {
  this.timeout(settings.timeLimitMs + 60_000);
  this.slow(this.timeout());

  it('every acknowledged message is stored once and delivered once, in order', async () => {
    const progress: string[] = [];
    const { evidence, logs } = await runChaos(settings, (line) => progress.push(line));
    const report = check(evidence);
    const table = [`CHAOS_SEED=${seed}, logs in ${logs}`, ...progress, toTable(report)].join('\n');
    expect(
      report.rules.flatMap(({ rule, violations }) => violations.map((violation) => `${rule}: ${violation}`)),
      table,
    ).to.deep.equal([]);
    await rm(logs, { recursive: true });
  });
});

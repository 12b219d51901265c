import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import { check, toTable } from './checker/check.ts';
import { runChaos } from './run.ts';
import { shortSettings } from './settings.ts';

/** Another one each time, unless told. */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));
const settings = shortSettings('keys', seed);

describe('With processes killed, the database restarted and failing providers', function () {
  this.timeout(settings.boundMs + 60_000);
  this.slow(this.timeout());

  it('everything that was acknowledged is stored once, delivered once, and in order', async () => {
    const story: string[] = [];
    const { evidence, logs } = await runChaos(settings, (line) => story.push(line));
    const report = check(evidence);
    const table = [`CHAOS_SEED=${seed}, logs in ${logs}`, ...story, toTable(report)].join('\n');
    expect(report.violations, table).to.equal(0);
    await rm(logs, { recursive: true });
  });
});

import { rm, writeFile } from 'node:fs/promises';
import { toTable } from '../checker/check.ts';
import { checkFeed } from '../checker/feed/check.ts';
import { runFeed } from './run.ts';
import { fullFeedSettings, shortFeedSettings } from './settings.ts';

/** CHAOS_SEED and CHAOS_SHORT=1 select the run. Exits with 1 if a rule is violated. */
const STOP_MS = 90_000;

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));
const settings = (process.env.CHAOS_SHORT === '1' ? shortFeedSettings : fullFeedSettings)(seed);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const watchdog = setTimeout(() => {
  console.error('The run exceeded its time limit');
  process.exit(1);
}, settings.timeLimitMs + STOP_MS);

console.log(`CHAOS_SEED=${seed}`);
const start = Date.now();
const elapsed = () => Math.round((Date.now() - start) / 1_000);
const { evidence, logs } = await runFeed(settings, (line) => console.log(`  ${elapsed()} s: ${line}`));
clearTimeout(watchdog);
const report = checkFeed(evidence);
console.log(toTable(report));
console.log(`${evidence.stored.messages.length} messages, ${evidence.lastPosition} events, ${elapsed()} s.`);
if (report.violations > 0) {
  await writeFile(`${logs}/evidence.json`, JSON.stringify(evidence));
  console.log(`The logs of the processes and evidence.json are in ${logs}`);
} else await rm(logs, { recursive: true });
process.exit(report.violations > 0 ? 1 : 0);

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { check, timeline, toTable } from './checker/check.ts';
import { type Evidence, FEATURES, type Mode } from './checker/evidence.ts';
import { runChaos } from './run.ts';
import { fullSettings, modesOf, shortSettings } from './settings.ts';

/**
 * CHAOS_SEED, CHAOS_PROVIDERS (modes, separated by commas; default all) and CHAOS_SHORT=1 select the run. Exits with 1 if a rule is
 * violated.
 */
const MODES = Object.keys(FEATURES) as Mode[];
/** The time to stop all processes after the time limit of a run. */
const STOP_MS = 90_000;
const TIMELINES = 5;

const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000));
const wanted = process.env.CHAOS_PROVIDERS?.split(',') ?? MODES;
const wrong = wanted.find((mode) => !MODES.includes(mode as Mode));
if (wrong !== undefined || !Number.isInteger(seed)) {
  console.error(
    wrong ? `CHAOS_PROVIDERS: "${wrong}" is not one of ${MODES.join(', ')}` : 'CHAOS_SEED: not a number',
  );
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

console.log(`CHAOS_SEED=${seed}`);
const reports: object[] = [];
let violations = 0;
for (const mode of wanted as Mode[]) violations += await run(mode);
await mkdir('.bench', { recursive: true });
await writeFile('.bench/chaos.json', `${JSON.stringify({ seed, violations, runs: reports }, null, 2)}\n`);
console.log(`The tables are in .bench/chaos.json. ${violations} violations.`);
process.exit(violations > 0 ? 1 : 0);

async function run(mode: Mode): Promise<number> {
  const settings = (process.env.CHAOS_SHORT === '1' ? shortSettings : fullSettings)(modesOf(mode), seed);
  const watchdog = setTimeout(() => {
    console.error('The run exceeded its time limit');
    process.exit(1);
  }, settings.timeLimitMs + STOP_MS);
  const start = Date.now();
  const elapsed = () => Math.round((Date.now() - start) / 1_000);
  console.log(`Mode ${mode}:`);
  const { evidence, logs } = await runChaos(settings, (line) => console.log(`  ${elapsed()} s: ${line}`));
  clearTimeout(watchdog);
  const report = check(evidence);
  console.log(toTable(report));
  if (report.violations > 0) {
    for (const line of timelines(evidence, report.rules)) console.log(line);
    await writeFile(`${logs}/evidence.json`, JSON.stringify(evidence));
    console.log(`The logs of the processes and evidence.json are in ${logs}`);
  } else await rm(logs, { recursive: true });
  reports.push({ mode, seconds: elapsed(), ...report, events: evidence.events });
  return report.violations;
}

/** The timelines of at most `TIMELINES` messages with violations. */
function timelines(evidence: Evidence, rules: { violations: string[] }[]): string[] {
  const tokens = new Set(
    rules.flatMap((rule) => rule.violations.map((violation) => violation.split(':')[0])),
  );
  const known = evidence.sent.filter(({ token }) => tokens.has(token)).slice(0, TIMELINES);
  return known.flatMap(({ token }) => timeline(evidence, token));
}

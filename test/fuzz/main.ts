import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { mochaGlobalSetup, mochaGlobalTeardown } from '../support/database.ts';
import { startHarness, webhookSecret } from '../support/harness.ts';
import { populate } from './populate.ts';

/**
 * Runs schemathesis with all checks and phases against a service with API keys and simulated providers on free ports.
 * FUZZ_SECONDS limits the duration, FUZZ_SEED repeats a run. Exits with the code of schemathesis: 0 if all findings are
 * expected by hooks.py or schemathesis.toml.
 */
const FOLDER = '.fuzz';
const HERE = import.meta.dirname;
const REQUIREMENTS = join(HERE, 'requirements.txt');
const LOG = join(FOLDER, 'service.log');
const API_KEY = 'correct-horse-battery';

const seconds = Number(process.env.FUZZ_SECONDS ?? 300);
if (!Number.isInteger(seconds) || seconds < 1) fail('FUZZ_SECONDS must be a positive integer');

await mkdir(FOLDER, { recursive: true });
await install();
await mochaGlobalSetup();
const logger = pino({ level: 'warn' }, pino.destination({ dest: LOG, append: false, sync: true }));
const service = await startHarness(
  {
    API_KEYS: `fuzz:${API_KEY}`,
    TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
    MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
  },
  logger,
);
await populate(service.url, API_KEY);
const code = await runSchemathesis(service.url);
await service.stop();
await mochaGlobalTeardown();
console.log(`The log of the service is in ${LOG}.`);
process.exit(code);

/** Installs the pinned packages into a virtual environment if they are missing. */
async function install(): Promise<void> {
  if (spawnSync('python3', ['-m', 'venv', '--help']).status !== 0)
    fail('make fuzz requires python3 with its venv module (Debian: apt-get install python3-venv).');
  const stamp = join(FOLDER, 'requirements.txt');
  const required = await readFile(REQUIREMENTS, 'utf8');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === required) return;
  console.log('Installing schemathesis into .fuzz/venv');
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', '--clear', join(FOLDER, 'venv')],
    [join(FOLDER, 'venv/bin/pip'), 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS],
  ] as [string, ...string[]][])
    if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0)
      fail(`${command} ${args.join(' ')} failed`);
  await writeFile(stamp, required);
}

async function runSchemathesis(url: string): Promise<number> {
  const seed = process.env.FUZZ_SEED;
  const args = [
    ['--config-file', join(HERE, 'schemathesis.toml')],
    ['run', `${url}/openapi.json`],
    ['--url', url],
    ['--phases', 'examples,coverage,fuzzing,stateful'],
    ['--max-time', `${seconds}`],
    ['--report', 'junit', '--report-dir', FOLDER],
    seed === undefined ? [] : ['--seed', seed],
    process.argv.slice(2),
  ].flat();
  const child = spawn(join(FOLDER, 'venv/bin/schemathesis'), args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: join(HERE, 'hooks.py'),
      FUZZ_API_KEY: API_KEY,
      FUZZ_WEBHOOK_SECRET: webhookSecret,
    },
  });
  const [status] = await once(child, 'exit');
  return status ?? 1;
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

import type { Config } from './config/config.ts';
import { readEnvFile } from './config/env-file.ts';
import { StartError } from './errors.ts';
import { createLogger } from './observability/logger.ts';
import { announce } from './service/local/announce.ts';
import { examine } from './service/local/doctor/main.ts';
import { assertPortsFree } from './service/local/ports.ts';
import { createProgress } from './service/local/progress.ts';
import { type LocalSimulator, startLocalSimulator } from './service/local/simulator.ts';
import { migrateDatabase } from './service/migrate.ts';
import { loadConfig, type Service, startService } from './service/service.ts';

/** Runs the migrations and ends. */
async function migrate(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const { step } = createProgress(process.stderr);
  logger.info({ applied: await migrateDatabase(config, logger, step) }, 'migrated');
}

/** Checks the configuration and everything it names, prints a report and ends: with 1 if there is a fault. */
async function doctor(): Promise<void> {
  const file = process.env.ENV_FILE;
  const source = file ? `${file} and the environment` : 'the environment';
  const { report, failed } = await examine(readConfig, source);
  process.stdout.write(report);
  process.exitCode = failed ? 1 : 0;
}

/** Serves until a signal arrives, then completes running requests and deliveries. */
async function serve(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  const progress = createProgress(process.stderr);
  let simulator: LocalSimulator | undefined;
  let service: Service | undefined;

  const starting = (async () => {
    await assertPortsFree(config);
    if (config.simulator !== null) {
      progress.step('Starting the simulated providers');
      simulator = await startLocalSimulator(config);
    }
    service = await startService(config, logger, { onStep: progress.step });
  })();
  let stopping = false;
  const stop = async (reason: string, code: number) => {
    // A terminal, make and a supervisor may each send a signal to the whole process group. Only the first has an effect.
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    progress.step('Stopping');
    setTimeout(() => process.exit(1), config.stopTimeoutMs).unref();
    await starting.catch(() => undefined);
    await service?.stop();
    await simulator?.stop();
    logger.info('stopped');
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal, 0));

  try {
    await starting;
  } catch (error) {
    await simulator?.stop();
    throw error;
  }
  void service?.failed.then((error) => {
    logger.fatal({ err: error }, 'the database cannot be restarted');
    void stop('database failed', 1);
  });
  // A signal that arrived during the start is handled in the next iteration of the event loop.
  await new Promise(setImmediate);
  if (!stopping && service) announce(config, { logger, progress }, service.url, simulator?.url);
}

/** Reads the environment and the file that `ENV_FILE` names; bin/start.sh sets `ENV_FILE` to `.env` if that file exists. */
function readConfig(): Config {
  const path = process.env.ENV_FILE;
  const file = path ? readEnvFile(path) : null;
  // Express reads NODE_ENV from the environment only.
  if (file?.values.NODE_ENV) process.env.NODE_ENV ||= file.values.NODE_ENV;
  return loadConfig(process.env, file);
}

const COMMANDS = new Map(Object.entries({ serve, migrate, doctor }));

async function run(name = 'serve'): Promise<void> {
  const command = COMMANDS.get(name);
  if (!command) throw new StartError([`"${name}" is not a command: ${[...COMMANDS.keys()].join(', ')}`]);
  await command();
}

run(process.argv[2]).catch((error) => {
  if (!(error instanceof StartError)) throw error;
  for (const reason of error.reasons) process.stderr.write(`messaging-service: ${reason}\n`);
  process.exit(1);
});

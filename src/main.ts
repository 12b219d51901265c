import { loadConfig } from './config.ts';
import { StartError } from './errors.ts';
import { type LocalSimulator, startLocalSimulator } from './local-simulator.ts';
import { createLogger } from './observability/logger.ts';
import { migrateDatabase, type Service, startService } from './service.ts';

/** Brings the schema up to date and ends. */
async function migrate(): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.logLevel);
  logger.info({ applied: await migrateDatabase(config, logger) }, 'migrated');
}

/** Serves until a signal comes; what is in hand then is finished. */
async function serve(): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.logLevel);
  let simulator: LocalSimulator | undefined;
  let service: Service | undefined;

  const starting = (async () => {
    if (config.simulatorPort !== null) simulator = await startLocalSimulator(config);
    service = await startService(config, logger);
  })();
  const stop = async (reason: string) => {
    logger.info({ reason }, 'stopping');
    setTimeout(() => process.exit(1), config.stopTimeoutMs).unref();
    await starting.catch(() => undefined);
    await service?.stop();
    await simulator?.stop();
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);

  try {
    await starting;
  } catch (error) {
    await simulator?.stop();
    throw error;
  }
  logger.info({ url: service?.url, simulator: simulator?.url, role: config.role }, 'ready');
  if (config.apiKeys.length === 0) {
    logger.warn('no API_KEYS: anyone on this machine may use the service; it listens on loopback only');
  }
}

const command = process.argv[2] === 'migrate' ? migrate : serve;
command().catch((error) => {
  if (!(error instanceof StartError)) throw error;
  for (const reason of error.reasons) process.stderr.write(`messaging-service: ${reason}\n`);
  process.exit(1);
});

import { loadConfig } from './config.ts';
import { StartError } from './errors.ts';
import { type LocalSimulator, startLocalSimulator } from './local-simulator.ts';
import { createLogger } from './observability/logger.ts';
import { type Service, startService } from './service.ts';

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const logger = createLogger(config.logLevel);
  let simulator: LocalSimulator | undefined;
  let service: Service | undefined;
  let stopping: Promise<void> | undefined;

  const stop = (reason: string) => {
    stopping ??= (async () => {
      logger.info({ reason }, 'stopping');
      setTimeout(() => process.exit(1), config.stopTimeoutMs).unref();
      await starting.catch(() => undefined);
      await service?.stop();
      await simulator?.stop();
      logger.info('stopped');
    })();
    return stopping;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void stop(signal).then(() => process.exit(0)));
  }

  const starting = (async () => {
    if (config.simulatorPort !== null) simulator = await startLocalSimulator(config);
    service = await startService(config, logger);
  })();
  await starting.catch(async (error) => {
    await simulator?.stop();
    throw error;
  });
  logger.info({ url: service?.url, simulator: simulator?.url, role: config.role }, 'ready');
  if (config.apiKeys.length === 0)
    logger.warn('no API_KEYS: anyone on this machine may use the service; it listens on loopback only');
}

main().catch((error) => {
  if (!(error instanceof StartError)) throw error;
  for (const reason of error.reasons) process.stderr.write(`messaging-service: ${reason}\n`);
  process.exit(1);
});

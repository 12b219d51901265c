import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/config.ts';
import { localUrl } from '../../config/load.ts';
import { StartError } from '../../errors.ts';

export interface LocalSimulator {
  url: string;
  stop(): Promise<void>;
}

type Report = { type: 'listening'; url: string } | { type: 'failed'; reason: string };

/**
 * Starts the provider simulator in a separate process, for the channels that have no real provider. The simulator ends
 * when this process ends, even after SIGKILL.
 *
 * @throws {StartError} if the simulator cannot listen on its ports.
 */
export async function startLocalSimulator(config: Config): Promise<LocalSimulator> {
  const hasMail = config.accounts.some(({ kind, simulated }) => simulated && kind === 'smtp');
  const child = fork(fileURLToPath(new URL('../../simulator/main.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      SIMULATOR_PORT: String(config.simulator?.port),
      ...(hasMail && { SIMULATOR_SMTP_PORT: String(config.simulator?.smtpPort) }),
      SIMULATOR_SERVICE_URL: localUrl(config.host, config.port),
      SIMULATOR_API_KEY: config.simulator?.key,
      SIMULATOR_WEBHOOK_SECRET: config.simulator?.webhookSecret,
    },
  });
  const exited = once(child, 'exit');
  const report = await Promise.race([
    once(child, 'message').then(([message]) => message as Report),
    exited.then((): Report => ({ type: 'failed', reason: 'the process ended' })),
  ]);
  if (report.type === 'failed')
    throw new StartError([
      `${variableOf(report.reason, config)}: the simulator does not start: ${report.reason}`,
    ]);
  return {
    url: report.url,
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** The variable with the port that the simulator cannot listen on. */
function variableOf(reason: string, { simulator }: Config): string {
  return reason.startsWith(`port ${simulator?.smtpPort} `) ? 'SIMULATOR_SMTP_PORT' : 'SIMULATOR_PORT';
}

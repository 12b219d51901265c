import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { webhookSecret } from '../support/harness.ts';
import { freePort, isOk, peakMemoryMiB } from '../support/process.ts';
import { until } from '../support/until.ts';

export const apiKey = 'a-key-for-the-benchmark';

export interface BenchProcess {
  url: string;
  pid: number;
  peakMemoryMiB(): number;
  stop(): Promise<void>;
}

/** Starts the service as in production, in its own process; by default an API without a worker. */
export async function startBenchService(
  databaseUrl: string,
  environment: Record<string, string> = {},
): Promise<BenchProcess> {
  const provider = (name: string) => ({
    [`${name}_URL`]: 'http://127.0.0.1:9',
    [`${name}_KEY`]: 'key',
    [`${name}_WEBHOOK_SECRETS`]: webhookSecret,
  });
  return startServer('bin/start.sh', [], (port) => ({
    PORT: String(port),
    NODE_ENV: 'production',
    CONSENT_KEY: 'a-consent-key-for-production-0123456',
    SECRET_KEYS: 'a-secret-key-for-production-01234567',
    ROLE: 'api',
    LOG_LEVEL: 'warn',
    DATABASE_URL: databaseUrl,
    API_KEYS: `bench:${apiKey}`,
    SMS_PROVIDERS: 'text-co',
    EMAIL_PROVIDERS: 'mail-co',
    ...provider('TEXT_CO'),
    ...provider('MAIL_CO'),
    ...environment,
  }));
}

/** Starts a server of this project in its own process, on a free port; resolves when the server is ready. */
export async function startServer(
  command: string,
  args: string[],
  environmentFor: (port: number) => Record<string, string>,
  readyPath = '/readyz',
): Promise<BenchProcess> {
  const port = await freePort();
  const child: ChildProcess = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, ENV_FILE: '/dev/null', ...environmentFor(port) },
  });
  const url = `http://127.0.0.1:${port}`;
  await until(() => isOk(url + readyPath), `${command} is ready`, 60_000);
  return {
    url,
    pid: child.pid ?? 0,
    peakMemoryMiB: () => peakMemoryMiB(child),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { freePort } from '../support/process.ts';
import { until } from '../support/until.ts';

export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
export const apiKey = 'a-key-for-the-benchmark';

export interface BenchProcess {
  url: string;
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
  return startProcess('bin/start.sh', [], (port) => ({
    PORT: String(port),
    NODE_ENV: 'production',
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
export async function startProcess(
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
  await until(
    () =>
      fetch(url + readyPath).then(
        ({ ok }) => ok,
        () => false,
      ),
    `${command} is ready`,
    60_000,
  );
  return {
    url,
    peakMemoryMiB: () =>
      Math.round(
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
      ),
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

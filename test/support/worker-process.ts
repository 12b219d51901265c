import { execFileSync } from 'node:child_process';
import { type ProviderServer, startProviderServer } from './provider-server.ts';
import { until } from './until.ts';

/** The process id of the worker that a service started; undefined while there is none. */
export function workerOf(servicePid: number | undefined): number | undefined {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  const found = lines
    .map((line) => line.trim().split(/\s+/))
    .find(
      ([, parent, state, ...args]) =>
        parent === `${servicePid}` &&
        !state?.startsWith('Z') &&
        args.join(' ').includes('src/service/worker/main.ts'),
    );
  return found && Number(found[0]);
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A provider that accepts each message, after `release` while it holds messages. */
export interface HoldingProvider extends ProviderServer {
  /** The idempotency key of each request, in the order of arrival. */
  readonly keys: string[];
  /** From now on, requests get no response before `release`. */
  hold(): void;
  release(): void;
}

export async function startHoldingProvider(): Promise<HoldingProvider> {
  const keys: string[] = [];
  let held = Promise.withResolvers<void>();
  held.resolve();
  const server = await startProviderServer(async (request, response) => {
    const key = String(request.headers['idempotency-key']);
    keys.push(key);
    request.resume();
    await held.promise;
    response.writeHead(202, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: `accepted-${key}` }));
  });
  return {
    ...server,
    keys,
    hold: () => {
      held = Promise.withResolvers();
    },
    release: () => held.resolve(),
  };
}

/** Waits until another worker process than `previous` runs. */
export function untilRestarted(servicePid: number | undefined, previous: number): Promise<number> {
  return until(() => {
    const pid = workerOf(servicePid);
    return pid !== previous && pid;
  }, 'another worker process runs');
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../../config/config.ts';
import { StartError } from '../../errors.ts';
import { describeListenError } from '../../http/listen.ts';

/** The number of ports that are tried to find a port to suggest. */
const CANDIDATES = 20;

/**
 * Checks that the service and the simulator can listen on their ports, before any slow step of the start.
 *
 * @throws {StartError} with one line for each port that cannot be used, and a port to use instead.
 */
export async function assertPortsFree({ host, port, simulator }: Config): Promise<void> {
  const wanted = [
    { variable: 'PORT', host, port },
    { variable: 'SIMULATOR_PORT', host: '127.0.0.1', port: simulator?.port ?? 0 },
  ];
  const reasons: string[] = [];
  const reserved = wanted.map(({ port }) => port);
  for (const { variable, host, port } of wanted) {
    const error = port === 0 ? null : await tryToListen(host, port);
    if (error === null) continue;
    const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
    const other = taken && (await findFree(host, port, reserved));
    if (other) reserved.push(other);
    const remedy = other ? ` Choose another port, for example: ${variable}=${other} make run` : '';
    reasons.push(`${describeListenError(variable, host, port, error)}${remedy}`);
  }
  if (reasons.length > 0) throw new StartError(reasons);
}

async function findFree(host: string, port: number, except: number[]): Promise<number | null> {
  const first = port < 1024 ? 8080 : port + 1;
  for (let candidate = first; candidate < Math.min(first + CANDIDATES, 65_536); candidate++) {
    if (!except.includes(candidate) && (await tryToListen(host, candidate)) === null) return candidate;
  }
  return null;
}

async function tryToListen(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return null;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

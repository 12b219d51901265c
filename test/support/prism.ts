import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, run } from './process.ts';
import { until } from './until.ts';

const PRISM = 'test/oracles/node_modules/@stoplight/prism-cli/dist/index.js';

/** A server that compares every request and response with an API description. */
export interface Prism {
  url: string;
  stop(): Promise<void>;
}

/**
 * The path of a provider's own API description, in the folder that `PROVIDER_SPECS` names; null if the folder does not have
 * the description, or if Prism is not installed.
 */
export function findPrism(file: string): string | null {
  const path = join(process.env.PROVIDER_SPECS ?? '', file);
  return process.env.PROVIDER_SPECS && existsSync(path) && existsSync(PRISM) ? path : null;
}

/** The note in the title of a test that is skipped without Prism. */
export const NO_PRISM =
  ' (skipped: PROVIDER_SPECS names no folder with the description, or make verify-providers did not install Prism)';

/**
 * Starts Prism (https://github.com/stoplightio/prism) as a proxy. A request that violates the description is not forwarded;
 * its response is 422. A response that violates the description is replaced by a 500.
 *
 * @param description the path of an OpenAPI document.
 * @param upstream the URL of the server that requests are forwarded to.
 */
export async function startPrism(description: string, upstream: string): Promise<Prism> {
  const port = String(await freePort());
  const options = ['--errors', '--host', '127.0.0.1', '--port', port];
  const running = run(process.execPath, [PRISM, 'proxy', description, upstream, ...options], { PORT: port });
  const { child, output } = running;
  await until(() => {
    if (child.exitCode !== null) throw new Error(`Prism ended: ${output.stdout}${output.stderr}`);
    return output.stdout.includes('Prism is listening');
  }, 'Prism is listening');
  return {
    url: running.url,
    stop: async () => {
      await running.signal('SIGTERM');
    },
  };
}

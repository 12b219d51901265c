import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { StartError } from '../../src/errors.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { startService } from '../../src/service.ts';
import { environmentFor } from './harness.ts';

/** The lines by which a service refuses to start; fails if the service starts, or with any other error. */
export async function startErrors(environment: Record<string, string>): Promise<string[]> {
  const config = loadConfig({ ...environmentFor('http://127.0.0.1:9', ''), ROLE: 'api', ...environment });
  const outcome = await startService(config, createLogger('silent')).catch((error: unknown) => error);
  if (outcome instanceof StartError) return outcome.reasons;
  if (outcome instanceof Error) throw outcome;
  await (outcome as { stop(): Promise<void> }).stop();
  expect.fail('the service has started');
}

/** The only line about `DATABASE_URL`, which does not contain the password. */
export async function databaseError(url: string, environment: Record<string, string> = {}): Promise<string> {
  const [line = '', ...more] = await startErrors({ ...environment, DATABASE_URL: url });
  expect(more).to.deep.equal([]);
  expect(line).to.match(/^DATABASE_URL: [^\n]+$/);
  const { password } = new URL(url);
  if (password) expect(line).not.to.contain(password);
  return line;
}

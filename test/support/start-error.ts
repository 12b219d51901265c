import { expect } from 'chai';
import { StartError } from '../../src/errors.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { loadConfig, startService } from '../../src/service/service.ts';
import { environmentFor } from './harness.ts';

/** Starts a service that must refuse to start; returns the reasons of its StartError. */
export async function startErrors(environment: Record<string, string>): Promise<string[]> {
  const config = loadConfig({ ...environmentFor('http://127.0.0.1:9', ''), ROLE: 'api', ...environment });
  const outcome = await startService(config, createLogger('silent')).catch((error: unknown) => error);
  if (outcome instanceof StartError) return outcome.reasons;
  if (outcome instanceof Error) throw outcome;
  await (outcome as { stop(): Promise<void> }).stop();
  expect.fail('the service has started');
}

/** Starts a service that must refuse to start for one reason, about `DATABASE_URL` and without its password. */
export async function databaseError(url: string, environment: Record<string, string> = {}): Promise<string> {
  const [line = '', ...more] = await startErrors({ ...environment, DATABASE_URL: url });
  expect(more).to.deep.equal([]);
  expect(line).to.match(/^DATABASE_URL: [^\n]+$/);
  const { password } = new URL(url);
  if (password) expect(line).not.to.contain(password);
  return line;
}

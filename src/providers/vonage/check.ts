import { createPublicKey } from 'node:crypto';
import type { AccountConfig } from '../../config/config.ts';
import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';
import type { VonageSettings } from './config.ts';

type Account = Pick<AccountConfig<VonageSettings>, 'name' | 'settings'>;

/** The parts of an application that the check reads. Source: https://developer.vonage.com/en/api/application.v2 */
interface Application {
  id?: unknown;
  keys?: { public_key?: unknown };
  capabilities?: { messages?: unknown };
}

/**
 * Reads the application, whose public key must belong to the private key: the Messages API has no request without effects that
 * would show whether it accepts a token.
 */
export async function checkVonage(
  client: ProviderClient,
  account: Account,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const { name, settings } = account;
  const { apiKey, apiSecret, applicationId } = settings;
  const authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  const path = `v2/applications/${applicationId}`;
  const result = await client.read(path, { headers: { authorization } }, context);
  if ('failure' in result) {
    const { httpStatus } = result.failure;
    if (httpStatus === 404)
      return [fault(`the account has no application ${applicationId}`, name, ['APPLICATION_ID', 'URL'])];
    return [failedCheck('application', result.failure, { name, credentials: ['API_SECRET', 'API_KEY'] })];
  }
  return [applicationCheck(result.json, account)];
}

function applicationCheck(json: unknown, { name, settings }: Account): AccountCheck {
  const application = (json ?? {}) as Application;
  if (application.id !== settings.applicationId)
    return fault('the response is not the application', name, ['URL']);
  const publicKey = application.keys?.public_key;
  if (typeof publicKey === 'string' && !isPair(settings.privateKey, publicKey))
    return fault('its public key belongs to another private key', name, ['PRIVATE_KEY', 'PRIVATE_KEY_FILE']);
  if (!application.capabilities?.messages)
    return {
      result: 'fault',
      text: 'application: it has no capability Messages. Enable Messages in the Vonage dashboard',
    };
  return { result: 'ok', text: 'application: found; its public key belongs to the private key' };
}

function fault(what: string, name: string, settings: readonly string[]): AccountCheck {
  return { result: 'fault', text: `application: ${what}. Correct ${variablesOf(name, settings)}` };
}

function isPair(privateKey: string, publicKey: string): boolean {
  const spki = (pem: string) => createPublicKey(pem).export({ type: 'spki', format: 'der' });
  try {
    return spki(privateKey).equals(spki(publicKey));
  } catch {
    return false;
  }
}

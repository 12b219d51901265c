import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';

const NEEDED = 'mail.send';

/**
 * Reads the permissions of the API key, which must be able to send.
 * Source: https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access
 */
export async function checkSendGrid(
  client: ProviderClient,
  name: string,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const result = await client.read('v3/scopes', {}, context);
  if ('failure' in result) {
    const { httpStatus } = result.failure;
    // A key that can only send may not read its permissions.
    if (httpStatus === 403)
      return [{ result: 'warning', text: 'API key: accepted, but it cannot read its own permissions' }];
    return [failedCheck('API key', result.failure, { name, credentials: ['API_KEY', 'URL'] })];
  }
  const { scopes } = (result.json ?? {}) as { scopes?: unknown };
  if (!Array.isArray(scopes)) {
    const text = `API key: the response is not from SendGrid. Correct ${variablesOf(name, ['URL'])}`;
    return [{ result: 'fault', text }];
  }
  if (scopes.includes(NEEDED)) return [{ result: 'ok', text: 'API key: accepted; it can send' }];
  const variable = variablesOf(name, ['API_KEY']);
  return [
    {
      result: 'fault',
      text: `API key: it has no permission ${NEEDED}. Give it Mail Send, or correct ${variable}`,
    },
  ];
}

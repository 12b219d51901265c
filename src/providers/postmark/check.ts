import { isObject } from '../email/json.ts';
import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';

/** Reads the server of the token. Source: https://postmarkapp.com/developer/api/server-api#get-the-server */
export async function checkPostmark(
  client: ProviderClient,
  name: string,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const result = await client.read('server', {}, context);
  if ('failure' in result)
    return [failedCheck('server token', result.failure, { name, credentials: ['SERVER_TOKEN'] })];
  const { json } = result;
  if (!isObject(json) || typeof json.Name !== 'string') {
    const text = `server token: the response is not from Postmark. Correct ${variablesOf(name, ['URL'])}`;
    return [{ result: 'fault', text }];
  }
  if (json.DeliveryType === 'Sandbox')
    return [
      {
        result: 'warning',
        text: 'server token: accepted, but the server is a sandbox, which delivers nothing',
      },
    ];
  return [{ result: 'ok', text: 'server token: accepted' }];
}

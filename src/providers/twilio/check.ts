import type { AccountConfig } from '../../config/config.ts';
import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';
import type { TwilioSettings } from './config.ts';
import { API, basic } from './requests.ts';

/**
 * Reads the account with each auth token, and the list of messages with the API key, which may not read the account
 * (https://www.twilio.com/docs/iam/api-keys/keys-in-console).
 */
export async function checkTwilio(
  client: ProviderClient,
  account: Pick<AccountConfig<TwilioSettings>, 'name' | 'settings'>,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const { name, settings } = account;
  const { accountSid, authTokens, apiKey } = settings;
  const [current = '', previous] = authTokens;
  const read = (path: string, authorization: string) =>
    client.read(`${API}/Accounts/${accountSid}${path}`, { headers: { authorization } }, context);
  const checkToken = async (what: string, token: string) => {
    const result = await read('.json', basic(accountSid, token));
    return 'failure' in result
      ? failedCheck(what, result.failure, { name, credentials: ['AUTH_TOKEN', 'ACCOUNT_SID'] })
      : accountCheck(what, result.json, variablesOf(name, ['URL']));
  };
  const checkKey = async ({ sid, secret }: NonNullable<TwilioSettings['apiKey']>): Promise<AccountCheck> => {
    const result = await read('/Messages.json?PageSize=1', basic(sid, secret));
    const credentials = ['API_KEY_SID', 'API_KEY_SECRET', 'ACCOUNT_SID'];
    if ('failure' in result) return failedCheck('API key', result.failure, { name, credentials });
    return { result: 'ok', text: 'API key: accepted' };
  };
  return Promise.all([
    checkToken(previous === undefined ? 'auth token' : 'first auth token', current),
    ...(previous === undefined ? [] : [checkToken('second auth token', previous).then(orRemove)]),
    ...(apiKey ? [checkKey(apiKey)] : []),
  ]);
}

function accountCheck(what: string, json: unknown, url: string): AccountCheck {
  const { status, type } = (json ?? {}) as { status?: unknown; type?: unknown };
  if (status !== 'active')
    return {
      result: 'fault',
      text:
        typeof status === 'string'
          ? `${what}: accepted, but the account is ${status.slice(0, 20)}`
          : `${what}: the response is not an account of Twilio. Correct ${url}`,
    };
  const limit = type === 'Trial' ? ', as a trial: Twilio sends to verified numbers only' : '';
  return { result: 'ok', text: `${what}: accepted; the account is active${limit}` };
}

/** During a rotation, one of two tokens is refused before the change at Twilio or after it. Only the first makes calls. */
function orRemove(check: AccountCheck): AccountCheck {
  if (check.result !== 'fault') return check;
  return { result: 'warning', text: `${check.text}. Remove the token after the rotation` };
}

import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';

const CREDENTIALS = ['REGION', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN'];

/**
 * Reads the state of the account with its credentials. A user with permission to send only may not read it.
 * Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
 */
export async function checkSes(
  client: ProviderClient,
  name: string,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const result = await client.read('v2/email/account', {}, context);
  if ('failure' in result) {
    const { code, detail } = result.failure;
    if (code !== 'AccessDeniedException')
      return [failedCheck('credentials', result.failure, { name, credentials: CREDENTIALS })];
    const text = `credentials: accepted, without the permission ses:GetAccount (${detail})`;
    return [{ result: 'warning', text }];
  }
  const { SendingEnabled, ProductionAccessEnabled } = (result.json ?? {}) as Record<string, unknown>;
  if (typeof SendingEnabled !== 'boolean') {
    const text = `credentials: the response is not from SES. Correct ${variablesOf(name, ['URL'])}`;
    return [{ result: 'fault', text }];
  }
  const checks: AccountCheck[] = [{ result: 'ok', text: 'credentials: accepted' }];
  if (!SendingEnabled)
    checks.push({ result: 'fault', text: 'sending: paused. See the account dashboard of SES' });
  if (ProductionAccessEnabled === false) {
    const text = 'sandbox: SES sends to verified addresses only. Request production access';
    checks.push({ result: 'warning', text });
  }
  return checks;
}

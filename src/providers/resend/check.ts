import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext } from '../provider.ts';

/**
 * Reads the list of domains, which a key for sending only may not read.
 * Source: https://resend.com/docs/api-reference/domains/list-domains
 */
export async function checkResend(
  client: ProviderClient,
  name: string,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const result = await client.read('domains', {}, context);
  if ('failure' in result) {
    if (result.failure.code !== 'restricted_api_key')
      return [failedCheck('API key', result.failure, { name, credentials: ['API_KEY'] })];
    return [
      { result: 'warning', text: 'API key: accepted, for sending only, so that the domains are not checked' },
    ];
  }
  const { data } = (result.json ?? {}) as { data?: unknown };
  if (!Array.isArray(data)) {
    const text = `API key: the response is not from Resend. Correct ${variablesOf(name, ['URL'])}`;
    return [{ result: 'fault', text }];
  }
  const verified = data.filter((domain) => (domain as { status?: unknown } | null)?.status === 'verified');
  if (verified.length > 0)
    return [{ result: 'ok', text: `API key: accepted; verified domains: ${verified.length}` }];
  return [
    { result: 'ok', text: 'API key: accepted' },
    {
      result: 'warning',
      text: 'domains: none is verified, so that Resend sends to the owner of the account only',
    },
  ];
}

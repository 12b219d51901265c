import type { AccountConfig } from '../../config/config.ts';
import { failedCheck, variablesOf } from '../http/check.ts';
import type { ProviderClient } from '../http/client.ts';
import type { AccountCheck, CheckContext, FailedOutcome } from '../provider.ts';
import type { TelnyxSettings } from './config.ts';

/**
 * Reads the configured messaging profile, or else the list of profiles, with the API key.
 * Source: https://developers.telnyx.com/api-reference/profiles/retrieve-a-messaging-profile
 */
export async function checkTelnyx(
  client: ProviderClient,
  { name, settings }: Pick<AccountConfig<TelnyxSettings>, 'name' | 'settings'>,
  context: CheckContext,
): Promise<AccountCheck[]> {
  const { messagingProfileId: id } = settings;
  const path = id === null ? 'v2/messaging_profiles' : `v2/messaging_profiles/${id}`;
  const searchParams = id === null ? { 'page[size]': 1 } : {};
  const result = await client.read(path, { searchParams }, context);
  if ('failure' in result) return [failed(result.failure, name, id)];
  const { data } = (result.json ?? {}) as { data?: unknown };
  if (id === null && Array.isArray(data)) return [{ result: 'ok', text: 'API key: accepted' }];
  if (id !== null && isObject(data)) return [profileCheck(data, name)];
  const text = `API key: the response is not from Telnyx. Correct ${variablesOf(name, ['URL'])}`;
  return [{ result: 'fault', text }];
}

function isObject(value: unknown): value is { enabled?: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function profileCheck({ enabled }: { enabled?: unknown }, name: string): AccountCheck {
  if (enabled !== false) return { result: 'ok', text: 'API key: accepted; the messaging profile exists' };
  const variable = variablesOf(name, ['MESSAGING_PROFILE_ID']);
  return {
    result: 'fault',
    text: `messaging profile: disabled. Enable it in the portal, or correct ${variable}`,
  };
}

/** Telnyx refuses an unknown messaging profile with 404, or with 400 and the code 10006. */
function failed(failure: FailedOutcome, name: string, profileId: string | null): AccountCheck {
  const { httpStatus, detail, code } = failure;
  if (profileId !== null && (httpStatus === 404 || httpStatus === 400)) {
    const variables = variablesOf(name, ['MESSAGING_PROFILE_ID', 'URL']);
    return {
      result: 'fault',
      text: `messaging profile: ${detail} (HTTP ${httpStatus}, ${code}). Correct ${variables}`,
    };
  }
  return failedCheck('API key', failure, { name, credentials: ['API_KEY'] });
}

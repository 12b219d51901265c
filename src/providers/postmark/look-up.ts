import { echoOf } from '../echo.ts';
import { isObject } from '../email/json.ts';
import type { ProviderClient } from '../http/client.ts';
import { isMessageId } from '../http/failure.ts';
import type { LookedUp } from '../outgoing.ts';
import type { CallContext, LookUp } from '../provider.ts';
import { ECHO } from './request.ts';

/** The search of Postmark lags by some minutes: a message that it does not find may have been sent this long ago. */
export const SEARCH_LAG_MS = 5 * 60 * 1_000;

/** The stream that the search covers for certain: the documentation does not say whether it covers the others. */
const DEFAULT_STREAM = 'outbound';

/**
 * Finds an email by the echo in its metadata.
 * Source: https://postmarkapp.com/developer/api/messages-api#outbound-message-search
 */
export async function lookUp(
  client: ProviderClient,
  message: LookedUp,
  stream: string,
  context: CallContext,
): Promise<LookUp> {
  const searchParams = { count: 1, offset: 0, [`metadata_${ECHO}`]: echoOf(message) };
  const result = await client.read('messages/outbound', { searchParams }, context);
  if ('failure' in result) return { failure: result.failure };
  const { json } = result;
  if (!isObject(json) || !Array.isArray(json.Messages)) return 'inconclusive';
  const [first] = json.Messages.filter(isObject);
  if (first === undefined)
    return json.Messages.length === 0 && stream === DEFAULT_STREAM ? { found: false } : 'inconclusive';
  const { MessageID: providerMessageId } = first;
  return isMessageId(providerMessageId) ? { found: true, providerMessageId } : 'inconclusive';
}

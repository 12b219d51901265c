import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { echoOf } from '../echo.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { LookedUp, Outgoing } from '../outgoing.ts';
import type { CallContext, LookUp, Provider } from '../provider.ts';
import { TWILIO_CAPABILITIES } from './capabilities.ts';
import { checkTwilio } from './check.ts';
import type { TwilioSettings } from './config.ts';
import { isTwilioMedia } from './media-hosts.ts';
import { isMessageSid, twilioDialect } from './outcome.ts';
import { API, basic } from './requests.ts';
import { ECHO, twilioWebhooks } from './webhook.ts';

/** A look-up begins this long before the message was accepted, because the clocks differ. */
const CLOCK_DIFFERENCE_MS = 60_000;
/** Max messages that a look-up reads. More messages to one recipient are too many to tell them apart. */
const PAGE_SIZE = 50;

/**
 * An account at Twilio: `POST /2010-04-01/Accounts/{sid}/Messages.json`.
 * Source: https://www.twilio.com/docs/messaging/api/message-resource
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createTwilioProvider(account: AccountConfig<TwilioSettings>, timeoutMs: number): Provider {
  const { url, accountSid, authTokens, apiKey, messagingServiceSid } = account.settings;
  const authorization = apiKey
    ? basic(apiKey.sid, apiKey.secret)
    : basic(accountSid, authTokens[0] as string);
  const client = new ProviderClient({
    ...{ url, timeoutMs, dialect: twilioDialect },
    headers: { authorization },
  });
  const path = `${API}/Accounts/${accountSid}/Messages.json`;
  const contentType = { 'content-type': 'application/x-www-form-urlencoded' };
  return {
    ...accountFields(account),
    capabilities: TWILIO_CAPABILITIES,
    longestAttemptMs: 2 * longestCallMs(timeoutMs),
    origin: new URL(url).origin,
    mediaHeaders: (media) => (isTwilioMedia(media, account.settings) ? { authorization } : null),
    // Twilio replies from long codes and toll-free numbers, not from short codes: https://help.twilio.com/articles/223134027
    answersOptOuts: (sender) => sender.startsWith('+'),
    send: (message, context) => {
      const callbackUrl = callbackUrlOf(message, context.webhookUrl);
      const body = toForm(message, messagingServiceSid, callbackUrl).toString();
      return client.send(path, { body, headers: contentType }, context);
    },
    lookUp: (message, context) => lookUp(client, path, message, context),
    check: (context) => checkTwilio(client, account, context),
    ...twilioWebhooks(authTokens, accountSid),
  };
}

function callbackUrlOf(message: Outgoing, webhookUrl: string | null): string | null {
  return webhookUrl === null ? null : `${webhookUrl}?${ECHO}=${echoOf(message)}`;
}

function toForm(
  { type, from, to, body, files }: Outgoing,
  messagingServiceSid: string | null,
  callbackUrl: string | null,
): URLSearchParams {
  const form = new URLSearchParams({ To: to[0] as string, From: from });
  if (messagingServiceSid !== null) form.set('MessagingServiceSid', messagingServiceSid);
  if (body !== '') form.set('Body', body);
  for (const { url } of files) form.append('MediaUrl', url);
  if (type === 'mms' && files.length === 0) form.set('SendAsMms', 'true');
  if (callbackUrl !== null) form.set('StatusCallback', callbackUrl);
  return form;
}

/**
 * Looks for a message by its circumstances: recipient, sender, time and text. The list lags behind and shows no value of ours,
 * so a message that is not in it may still have been accepted.
 */
async function lookUp(
  client: ProviderClient,
  path: string,
  { to, from, body, created_at }: LookedUp,
  context: CallContext,
): Promise<LookUp> {
  const since = new Date(created_at.getTime() - CLOCK_DIFFERENCE_MS).toISOString().replace(/\.\d+/, '');
  const searchParams = { To: to[0], From: from, 'DateSent>': since, PageSize: PAGE_SIZE };
  const result = await client.read(path, { searchParams }, context);
  if ('failure' in result) return result;
  const page = result.json as Page | null;
  if (!Array.isArray(page?.messages) || page.next_page_uri) return 'inconclusive';
  const candidates = page.messages.filter((message) => message?.direction !== 'inbound');
  const sids = candidates.filter((message) => message?.body === body).map((message) => message?.sid);
  return { candidates: sids.filter(isMessageSid) };
}

interface Page {
  messages?: ({ sid?: unknown; body?: unknown; direction?: unknown } | null)[];
  next_page_uri?: unknown;
}

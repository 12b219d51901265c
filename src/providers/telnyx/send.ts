import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { echoOf } from '../echo.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { Outgoing } from '../outgoing.ts';
import type { Provider } from '../provider.ts';
import { TELNYX_CAPABILITIES } from './capabilities.ts';
import { checkTelnyx } from './check.ts';
import type { TelnyxSettings } from './config.ts';
import { telnyxDialect } from './outcome.ts';
import { ECHO, telnyxWebhooks } from './webhook.ts';

/**
 * An account at Telnyx: `POST /v2/messages`, and `POST /v2/messages/group_mms` for several recipients.
 * Source: https://developers.telnyx.com/api-reference/messages/send-a-message
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createTelnyxProvider(account: AccountConfig<TelnyxSettings>, timeoutMs: number): Provider {
  const { url, apiKey, publicKeys, messagingProfileId } = account.settings;
  const client = new ProviderClient({
    ...{ url, timeoutMs, dialect: telnyxDialect },
    headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json' },
  });
  return {
    ...accountFields(account),
    capabilities: TELNYX_CAPABILITIES,
    longestAttemptMs: longestCallMs(timeoutMs),
    origin: new URL(url).origin,
    // The URLs of media are signed, and need no key: https://developers.telnyx.com/docs/messaging/messages/receive-message
    mediaHeaders: () => null,
    // Telnyx answers keywords sent to long codes and toll-free numbers, unless the messaging profile says otherwise.
    answersOptOuts: (sender) => sender.startsWith('+'),
    send: (message, context) => {
      const webhookUrl = context.webhookUrl && `${context.webhookUrl}?${ECHO}=${echoOf(message)}`;
      const isGroup = message.to.length > 1;
      const request = isGroup ? toGroup(message) : toSingle(message, messagingProfileId);
      const json = { ...request, ...(webhookUrl && { webhook_url: webhookUrl }) };
      return client.send(isGroup ? 'v2/messages/group_mms' : 'v2/messages', { json }, context);
    },
    lookUp: async () => 'inconclusive',
    check: (context) => checkTelnyx(client, account, context),
    ...telnyxWebhooks(publicKeys),
  };
}

/** An MMS without files is sent as an SMS, because Telnyx requires media or a subject for an MMS. */
function toSingle(message: Outgoing, messagingProfileId: string | null): object {
  return {
    ...contentOf(message),
    to: message.to[0],
    type: message.files.length > 0 ? 'MMS' : 'SMS',
    ...(messagingProfileId !== null && { messaging_profile_id: messagingProfileId }),
  };
}

function toGroup(message: Outgoing): object {
  return { ...contentOf(message), to: message.to };
}

function contentOf({ from, body, files }: Outgoing): object {
  return {
    from,
    ...(body !== '' && { text: body }),
    ...(files.length > 0 && { media_urls: files.map(({ url }) => url) }),
  };
}

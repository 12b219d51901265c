import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { echoOf } from '../echo.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { Outgoing } from '../outgoing.ts';
import type { Provider } from '../provider.ts';
import { VONAGE_CAPABILITIES } from './capabilities.ts';
import { checkVonage } from './check.ts';
import type { VonageSettings } from './config.ts';
import { mediaTypeOf } from './files.ts';
import { isVonageMedia } from './media-hosts.ts';
import { toWire } from './numbers.ts';
import { vonageDialect } from './outcome.ts';
import { createTokens } from './token.ts';
import { vonageWebhooks } from './webhook.ts';

/** The carriers reply to STOP and START for toll-free numbers of the USA and Canada, for every provider. */
const TOLL_FREE = /^\+18(?:00|33|44|55|66|77|88)\d{7}$/;

/**
 * An account at Vonage: `POST /v1/messages` of the Messages API.
 * Source: https://developer.vonage.com/en/api/messages
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createVonageProvider(account: AccountConfig<VonageSettings>, timeoutMs: number): Provider {
  const { url, applicationId, privateKey } = account.settings;
  const client = new ProviderClient({ url, timeoutMs, dialect: vonageDialect, headers: {} });
  const newToken = createTokens(applicationId, privateKey);
  return {
    ...accountFields(account),
    capabilities: VONAGE_CAPABILITIES,
    longestAttemptMs: longestCallMs(timeoutMs),
    origin: new URL(url).origin,
    mediaHeaders: (media) => (isVonageMedia(media, url) ? { authorization: `Bearer ${newToken()}` } : null),
    answersOptOuts: (sender) => TOLL_FREE.test(sender),
    send: (message, context) => {
      const json = toRequest(message, context.webhookUrl);
      return client.send(
        'v1/messages',
        { json, headers: { authorization: `Bearer ${newToken()}` } },
        context,
      );
    },
    lookUp: async () => 'inconclusive',
    ...(account.settings.apiSecret !== null && {
      check: (context) => checkVonage(client, account, context),
    }),
    ...vonageWebhooks(account.settings),
  };
}

/** A URL for the status webhooks in a message replaces the URL of the application, and needs the form of the webhooks too. */
function toRequest(message: Outgoing, webhookUrl: string | null): object {
  return {
    ...contentOf(message),
    to: toWire(message.to[0] as string),
    from: toWire(message.from),
    client_ref: echoOf(message),
    ...(webhookUrl !== null && { webhook_url: webhookUrl, webhook_version: 'v1' }),
  };
}

function contentOf({ type, body, files: [file] }: Outgoing): object {
  if (file === undefined) return { channel: type, message_type: 'text', text: body };
  const mediaType = mediaTypeOf(file);
  return {
    channel: 'mms',
    message_type: mediaType,
    [mediaType]: { url: file.url, ...(body !== '' && { caption: body }) },
  };
}

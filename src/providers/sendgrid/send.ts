import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { echoOf } from '../echo.ts';
import type { Email } from '../email/recipients.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { Provider } from '../provider.ts';
import { MAX_UPLOAD_MS, uploadMs } from '../upload-time.ts';
import { SENDGRID_CAPABILITIES } from './capabilities.ts';
import { checkSendGrid } from './check.ts';
import type { SendGridSettings } from './config.ts';
import { sendgridInbound } from './inbound.ts';
import { sendgridDialect } from './outcome.ts';
import { toRequest } from './request.ts';
import { sendgridWebhooks } from './webhook.ts';

/**
 * An account at SendGrid: `POST /v3/mail/send`.
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createSendGridProvider(
  account: AccountConfig<SendGridSettings>,
  timeoutMs: number,
): Provider {
  const { url, apiKey, eventPublicKeys, inbound } = account.settings;
  const client = new ProviderClient({
    ...{ url, timeoutMs, uploadMs, dialect: sendgridDialect },
    headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json' },
  });
  return {
    ...accountFields(account),
    capabilities: SENDGRID_CAPABILITIES,
    longestAttemptMs: longestCallMs(timeoutMs),
    longestLargeAttemptMs: longestCallMs(timeoutMs, MAX_UPLOAD_MS),
    origin: new URL(url).origin,
    // Inbound email has its files inside.
    mediaHeaders: () => null,
    answersOptOuts: () => false,
    send: (message, context) =>
      client.send('v3/mail/send', { json: toRequest(message as Email, echoOf(message)) }, context),
    lookUp: async () => 'inconclusive',
    check: (context) => checkSendGrid(client, account.name, context),
    ...sendgridWebhooks(eventPublicKeys),
    ...(inbound !== null && { inbound: sendgridInbound(inbound) }),
  };
}

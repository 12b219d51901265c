import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { echoOf } from '../echo.ts';
import type { Email } from '../email/recipients.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { Provider } from '../provider.ts';
import { MAX_UPLOAD_MS, uploadMs } from '../upload-time.ts';
import { POSTMARK_CAPABILITIES } from './capabilities.ts';
import { checkPostmark } from './check.ts';
import type { PostmarkSettings } from './config.ts';
import { postmarkInbound } from './inbound.ts';
import { lookUp, SEARCH_LAG_MS } from './look-up.ts';
import { postmarkDialect, readSuccess } from './outcome.ts';
import { toRequest } from './request.ts';
import { postmarkWebhooks } from './webhook.ts';

/**
 * An account at Postmark: `POST /email`, and the look-up `GET /messages/outbound`.
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createPostmarkProvider(
  account: AccountConfig<PostmarkSettings>,
  timeoutMs: number,
): Provider {
  const { url, serverToken, messageStream: stream, webhooks } = account.settings;
  const client = new ProviderClient({
    ...{ url, timeoutMs, uploadMs, dialect: postmarkDialect },
    headers: { 'x-postmark-server-token': serverToken, accept: 'application/json' },
  });
  return {
    ...accountFields(account),
    capabilities: POSTMARK_CAPABILITIES,
    // A look-up precedes a repeated send.
    longestAttemptMs: 2 * longestCallMs(timeoutMs),
    longestLargeAttemptMs: longestCallMs(timeoutMs) + longestCallMs(timeoutMs, MAX_UPLOAD_MS),
    lookUpLagMs: SEARCH_LAG_MS,
    origin: new URL(url).origin,
    // Inbound email has its files inside.
    mediaHeaders: () => null,
    answersOptOuts: () => false,
    send: (message, context) => {
      const email = message as Email;
      const json = toRequest(email, { echo: echoOf(message), stream });
      return client.send('email', { json }, context, (response) =>
        readSuccess(response, email.email.envelope),
      );
    },
    lookUp: (message, context) => lookUp(client, message, stream, context),
    check: (context) => checkPostmark(client, account.name, context),
    ...postmarkWebhooks(webhooks),
    inbound: postmarkInbound(webhooks),
  };
}

import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import type { Email } from '../email/recipients.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { Outgoing } from '../outgoing.ts';
import type { CallContext, Provider, SendOutcome } from '../provider.ts';
import { MAX_UPLOAD_MS, uploadMs } from '../upload-time.ts';
import { RESEND_CAPABILITIES } from './capabilities.ts';
import { checkResend } from './check.ts';
import type { ResendSettings } from './config.ts';
import { resendDialect } from './outcome.ts';
import { toRequest } from './request.ts';
import { resendWebhooks } from './webhook.ts';

const ONLY_BLIND_COPIES: SendOutcome = {
  ...{ outcome: 'rejected', httpStatus: null, class: 'provider_error', code: 'only_blind_copies' },
  detail: 'Resend cannot send to several blind copies without a recipient in to or cc',
};

/**
 * An account at Resend: `POST /emails` with the delivery key as `Idempotency-Key`.
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createResendProvider(account: AccountConfig<ResendSettings>, timeoutMs: number): Provider {
  const { url, apiKey, webhookSecrets } = account.settings;
  const client = new ProviderClient({
    ...{ url, timeoutMs, uploadMs, dialect: resendDialect },
    headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json' },
  });
  return {
    ...accountFields(account),
    capabilities: RESEND_CAPABILITIES,
    longestAttemptMs: longestCallMs(timeoutMs),
    longestLargeAttemptMs: longestCallMs(timeoutMs, MAX_UPLOAD_MS),
    origin: new URL(url).origin,
    mediaHeaders: () => null,
    answersOptOuts: () => false,
    send: (message, context) => send(client, message, context),
    lookUp: async () => 'inconclusive',
    check: (context) => checkResend(client, account.name, context),
    ...resendWebhooks(webhookSecrets),
  };
}

async function send(client: ProviderClient, message: Outgoing, context: CallContext): Promise<SendOutcome> {
  const json = toRequest(message as Email);
  if (json === null) return ONLY_BLIND_COPIES;
  const headers = { 'idempotency-key': message.delivery_key };
  return client.send('emails', { json, headers }, context);
}

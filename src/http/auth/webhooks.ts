import type { Request } from 'express';
import { DEFAULT_KIND } from '../../config/accounts.ts';
import type { Config } from '../../config/config.ts';
import { UnauthorizedError, UnavailableError } from '../../errors.ts';
import type { OperationId } from '../../openapi/types.ts';
import { createMimeAccount } from '../../providers/mime/account.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { IncomingWebhook } from '../../providers/webhook.ts';
import { inboundAccount, type WebhookAccount } from '../../providers/webhook-account.ts';
import type { Operation } from '../contract/operation.ts';
import { type Caller, WEBHOOK_CHANNELS } from './caller.ts';
import { isLocal } from './local.ts';
import type { UnverifiedReport } from './unverified-webhooks.ts';

export interface AuthenticateWebhooksOptions {
  config: Pick<Config, 'apiKeys' | 'publicUrl' | 'mimeWebhookSecrets'>;
  providers: ProviderRegistry;
  /**
   * Reads the body of a webhook whose sender is not verified yet.
   *
   * @param limit max bytes of an email; default: the limit of the channel.
   */
  readUnverified: (request: Request, limit?: number) => Promise<Buffer>;
  /** Called for each webhook that is refused because its sender is not verified. */
  reportUnverified: UnverifiedReport;
}

/** The same text for every reason, so that a response reveals neither the accounts nor the secrets. The log has the reason. */
const NOT_VERIFIED =
  'The webhook is not verified: its URL names no configured account, or its signature is missing or does not match. Check the URL (/api/webhooks/{account} for every kind except `standard`), the secret or auth token of the account, that PUBLIC_URL is the URL that the provider calls, and, for Standard Webhooks, that the timestamp is at most five minutes old.';

/** For kinds that sign every webhook and repeat one after a 503. */
const NOT_SIGNED = 'The webhook has no signature. Send it again with a signature.';
const UNSIGNED_RETRY_AFTER_SECONDS = 1;

/** Creates the function that identifies the account of a webhook, and verifies that its provider has sent it. */
export function webhookAuthenticator({
  config,
  providers,
  readUnverified,
  reportUnverified,
}: AuthenticateWebhooksOptions): (request: Request, operation: Operation) => Promise<Caller> {
  const accountOf = accountFinder(providers, createMimeAccount(config.mimeWebhookSecrets));
  const isOpen = config.apiKeys.length === 0;
  return async (request, { operationId }) => {
    const provider = accountOf(request, operationId);
    if (!provider) {
      reportUnverified(null, 'unknown_account');
      throw new UnauthorizedError(NOT_VERIFIED);
    }
    const webhook = new IncomingWebhook({
      headers: { ...request.headers },
      target: request.originalUrl,
      publicUrl: config.publicUrl,
      readBody: () => readUnverified(request, provider.maxWebhookBytes),
    });
    const verification = await provider.verify(webhook);
    const mayBeUnsigned = provider.isSimulated && (isOpen || isLocal(request));
    if (verification === 'valid' || (verification === 'absent' && mayBeUnsigned))
      return { type: 'provider', provider, webhook };
    reportUnverified(provider.name, verification === 'absent' ? 'no_signature' : 'invalid_signature');
    if (verification === 'absent' && provider.repeatsUnsigned)
      throw new UnavailableError(NOT_SIGNED, { retryAfter: UNSIGNED_RETRY_AFTER_SECONDS });
    throw new UnauthorizedError(NOT_VERIFIED);
  };
}

/**
 * The account of a webhook: in the path, or in the query parameter `provider`; default: the first account of the channel. The
 * paths of a channel have the forms and the signature of the kind `standard`, so that they are for accounts of this kind only.
 */
function accountFinder({ sms, email }: ProviderRegistry, mime: WebhookAccount) {
  const accounts = [...sms, ...email];
  return (request: Request, operationId: OperationId): WebhookAccount | undefined => {
    if (operationId === 'receiveMime') return mime;
    const named = accounts.find(({ name }) => name === request.params.account);
    if (operationId === 'receiveWebhook') return named;
    if (operationId === 'receiveInboundMail') return named && inboundAccount(named);
    const channel = WEBHOOK_CHANNELS[operationId as keyof typeof WEBHOOK_CHANNELS];
    const { provider: name } = request.query;
    return accounts.find(
      (account) =>
        account.channel === channel &&
        account.kind === DEFAULT_KIND &&
        (name === undefined || account.name === name),
    );
  };
}

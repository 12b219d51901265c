import { createMimeAccount, MIME_ACCOUNT } from '../providers/mime/account.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { inboundAccount, type WebhookAccount } from '../providers/webhook-account.ts';

/**
 * The path of inbound email below the URL of an account, which the account `inbound` has too. Routes ignore case, and a
 * target can be a whole URL (RFC 9112, section 3.2.2).
 */
const INBOUND = /^(?:https?:\/\/[^/?]+)?\/api\/webhooks\/[^/?]+\/inbound\/?(?:\?|$)/i;

/** Creates the function that finds the account of a stored webhook by its name and its URL. */
export function createAccountOf(
  providers: ProviderRegistry,
  mimeSecrets: readonly string[],
): (stored: { account: string; target: string }) => WebhookAccount | undefined {
  const accounts = [...providers.sms, ...providers.email];
  const mime = createMimeAccount(mimeSecrets);
  return ({ account, target }) => {
    if (account === MIME_ACCOUNT) return mime;
    const provider = accounts.find(({ name }) => name === account);
    return provider && INBOUND.test(target) ? inboundAccount(provider) : provider;
  };
}

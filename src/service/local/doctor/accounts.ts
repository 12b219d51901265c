import { withPrefix } from '../../../config/accounts.ts';
import type { AccountConfig, Config } from '../../../config/config.ts';
import { MIME_ACCOUNT } from '../../../providers/mime/account.ts';
import type { AccountCheck, Provider } from '../../../providers/provider.ts';
import { createRegistry, kindOf } from '../../../providers/registry.ts';
import { webhookUrlOf } from '../../../providers/webhook.ts';
import { describeCapabilities } from './capabilities.ts';
import { REQUEST_TIMEOUT_MS } from './http.ts';
import type { Section } from './section.ts';

/** The settings of each account, whether its provider accepts the credentials, and the URL of its webhooks. */
export function examineAccounts(config: Config): Promise<Section[]> {
  const providers = createRegistry(config.accounts, Math.min(config.providerTimeoutMs, REQUEST_TIMEOUT_MS));
  const all = [...providers.sms, ...providers.email];
  return Promise.all(
    config.accounts.map(async (account) => {
      const provider = all.find(({ name }) => name === account.name) as Provider;
      return {
        title: `Account ${account.name}: kind ${account.kind}, channel ${account.channel}`,
        details: describe(account, provider, config),
        findings: account.simulated
          ? [SIMULATED]
          : [...warningsOf(account, config), ...(await check(provider))],
      };
    }),
  );
}

/** The key of the simulator that a service starts is known to this service only. */
const SIMULATED: AccountCheck = {
  result: 'ok',
  text: 'at the simulator, which starts with the service',
};

function warningsOf(account: AccountConfig, { mimeWebhookSecrets }: Config): AccountCheck[] {
  const { fromMailServer } = kindOf(account);
  const texts = [...account.warnings];
  if (fromMailServer && mimeWebhookSecrets.length === 0)
    texts.push(
      `MIME_WEBHOOK_SECRETS is not set: ${fromMailServer} from a mail server are refused with 401 (docs/inbound-email.md)`,
    );
  return texts.map((text) => ({ result: 'warning', text }));
}

/** The URL of emails that a mail server passes on; nothing if the service refuses them. */
export function examineMailServers({ mimeWebhookSecrets, publicUrl }: Config): Section[] {
  if (mimeWebhookSecrets.length === 0) return [];
  const details = {
    'Webhook URL': urlOf(publicUrl, MIME_ACCOUNT),
    Configure:
      'At the mail server, pass each email of your domains on to this URL, signed with a secret of MIME_WEBHOOK_SECRETS, as docs/inbound-email.md describes.',
  };
  const count = mimeWebhookSecrets.length;
  const text = `${count} secret${count === 1 ? '' : 's'} of MIME_WEBHOOK_SECRETS`;
  return [{ title: 'Emails from mail servers', details, findings: [{ result: 'ok', text }] }];
}

function urlOf(publicUrl: string | null, account: string): string {
  return webhookUrlOf(publicUrl, account) ?? `PUBLIC_URL/api/webhooks/${account}`;
}

function describe(
  account: AccountConfig,
  { channel, capabilities, inbound }: Provider,
  { publicUrl }: Config,
): Record<string, string> {
  const { name, perSecond, perSecondPerSender, senders, simulated, consentReplies } = account;
  const kind = kindOf(account);
  const limits = [
    perSecond !== null && `${perSecond} per second`,
    perSecondPerSender !== null && `${perSecondPerSender} per second and sender`,
  ].filter((limit) => limit !== false);
  const url = urlOf(publicUrl, name);
  const settings = Object.entries(kind.describe(account.settings));
  return {
    ...Object.fromEntries(settings.map(([label, value]) => [label, withPrefix(value, name)])),
    ...describeCapabilities(channel, capabilities),
    Senders: senders === null ? 'all' : senders.join(', ') || 'none',
    Limits: limits.join(', ') || 'none',
    ...(channel === 'sms' && { 'Replies to STOP': describeReplies(consentReplies) }),
    ...(kind.webhookSetup !== null && { 'Webhook URL': url }),
    ...(inbound && { 'Inbound email URL': `${url}/inbound` }),
    ...(kind.webhookSetup !== null && !simulated && { Configure: withPrefix(kind.webhookSetup, name) }),
  };
}

function describeReplies(consentReplies: boolean | null): string {
  if (consentReplies === null) return 'where the provider does not reply itself';
  return consentReplies ? 'from every number' : 'none';
}

/** One finding per credential. */
async function check(provider: Provider): Promise<AccountCheck[]> {
  if (provider.check)
    return provider.check({ once: true, signal: AbortSignal.timeout(2 * REQUEST_TIMEOUT_MS) });
  return [
    { result: 'ok', text: 'credentials: not checked, because this account has no request without effects' },
  ];
}

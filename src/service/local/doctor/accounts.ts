import type { AccountConfig, Config } from '../../../config/config.ts';
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
        findings: account.simulated ? [SIMULATED] : await check(provider),
      };
    }),
  );
}

/** The key of the simulator that a service starts is known to this service only. */
const SIMULATED: AccountCheck = {
  result: 'ok',
  text: 'at the simulator, which starts with the service',
};

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
  const url = webhookUrlOf(publicUrl, name) ?? `PUBLIC_URL/api/webhooks/${name}`;
  return {
    ...kind.describe(account.settings),
    ...describeCapabilities(channel, capabilities),
    Senders: senders === null ? 'all' : senders.join(', ') || 'none',
    Limits: limits.join(', ') || 'none',
    ...(channel === 'sms' && { 'Replies to STOP': describeReplies(consentReplies) }),
    'Webhook URL': url,
    ...(inbound && { 'Inbound email URL': `${url}/inbound` }),
    ...(!simulated && { Configure: kind.webhookSetup }),
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

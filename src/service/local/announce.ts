import type { Channel } from '../../channel.ts';
import type { Config } from '../../config/config.ts';
import { isLoopbackUrl, localUrlProblem, publicHostRefusal } from '../../config/safety.ts';
import type { Logger } from '../../observability/logger.ts';
import { MIME_ACCOUNT } from '../../providers/mime/account.ts';
import { createRegistry, kindOf } from '../../providers/registry.ts';
import { webhookUrlOf } from '../../providers/webhook.ts';
import { browserUrl, type Progress } from './progress.ts';

/**
 * Announces a service that accepts requests, in the log and on a terminal.
 *
 * @param url the URL that the service listens on.
 * @param simulatorUrl absent without a simulator of this service.
 */
export function announce(
  config: Config,
  { logger, progress }: { logger: Logger; progress: Progress },
  url: string,
  simulatorUrl?: string,
): void {
  log(config, logger, url, simulatorUrl);
  progress.ready(linksOf(config, url, simulatorUrl));
}

function log(config: Config, logger: Logger, url: string, simulator: string | undefined): void {
  const { accounts, apiKeys, role, publicUrl } = config;
  const namesFor = (channel: Channel) =>
    accounts.filter((account) => account.channel === channel).map(({ name }) => name);
  const providers = { sms: namesFor('sms'), email: namesFor('email') };
  logger.info({ url, simulator, role, providers }, 'ready');
  if (apiKeys.length === 0)
    logger.warn(
      'no API_KEYS: every process on this machine can use the service, which listens on loopback only',
    );
  for (const { inboundUrl, ...webhook } of webhookUrls(config, url)) {
    logger.info(webhook, 'webhook URL');
    if (inboundUrl !== undefined) logger.info({ ...webhook, url: inboundUrl }, 'inbound email URL');
  }
  if (role !== 'worker' && !isLoopbackUrl(publicUrl))
    for (const warning of accounts.flatMap(({ warnings }) => warnings)) logger.warn(warning);
  const refusal = publicHostRefusal(config);
  if (refusal !== null) logger.warn(`PUBLIC_URL: ${refusal}`);
  const problem = localUrlProblem(config);
  if (problem !== null) logger.warn(problem);
}

function linksOf(config: Config, url: string, simulator: string | undefined): Record<string, string> {
  const home = browserUrl(url);
  if (config.role === 'worker') return { Readiness: `${home}/readyz` };
  const webhooks = webhookUrls(config, url).flatMap(({ provider, url, inboundUrl }) => [
    [`Webhooks of ${provider}`, browserUrl(url)],
    ...(inboundUrl === undefined ? [] : [[`Inbound email of ${provider}`, browserUrl(inboundUrl)]]),
  ]);
  return {
    ...{ Service: home, Reference: `${home}/docs` },
    ...(simulator !== undefined && { Simulator: browserUrl(simulator) }),
    ...Object.fromEntries(webhooks),
    ...(localUrlProblem(config) !== null && {
      Note: 'Set PUBLIC_URL to a public URL, so that providers can reach the webhook URLs and fetch files.',
    }),
  };
}

interface WebhookUrls {
  provider: string;
  kind: string;
  url: string;
  /** Of a kind that posts inbound email to a URL of its own. */
  inboundUrl?: string;
}

/** The URLs of each account's webhooks, to configure at its provider; none in a process that does not serve webhooks. */
function webhookUrls(config: Config, url: string): WebhookUrls[] {
  const { accounts, publicUrl, role, mimeWebhookSecrets, providerTimeoutMs } = config;
  if (role === 'worker') return [];
  const urlOf = (name: string) => webhookUrlOf(publicUrl ?? url, name) as string;
  const hasInbound = new Set(
    createRegistry(accounts, providerTimeoutMs).email.flatMap(({ name, inbound }) => (inbound ? name : [])),
  );
  const withWebhooks = accounts.filter((account) => kindOf(account).webhookSetup !== null);
  const mime = { provider: MIME_ACCOUNT, kind: MIME_ACCOUNT, url: urlOf(MIME_ACCOUNT) };
  return [
    ...withWebhooks.map(({ name, kind }) => ({
      ...{ provider: name, kind, url: urlOf(name) },
      ...(hasInbound.has(name) && { inboundUrl: `${urlOf(name)}/inbound` }),
    })),
    ...(mimeWebhookSecrets.length > 0 ? [mime] : []),
  ];
}

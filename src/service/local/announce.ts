import type { Channel } from '../../channel.ts';
import type { Config } from '../../config/config.ts';
import { localUrlProblem, publicHostRefusal } from '../../config/safety.ts';
import type { Logger } from '../../observability/logger.ts';
import { MIME_ACCOUNT } from '../../providers/mime/account.ts';
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
  const { accounts, apiKeys, role } = config;
  const namesFor = (channel: Channel) =>
    accounts.filter((account) => account.channel === channel).map(({ name }) => name);
  const providers = { sms: namesFor('sms'), email: namesFor('email') };
  logger.info({ url, simulator, role, providers }, 'ready');
  if (apiKeys.length === 0)
    logger.warn(
      'no API_KEYS: every process on this machine can use the service, which listens on loopback only',
    );
  for (const webhook of webhookUrls(config, url)) logger.info(webhook, 'webhook URL');
  const refusal = publicHostRefusal(config);
  if (refusal !== null) logger.warn(`PUBLIC_URL: ${refusal}`);
  const problem = localUrlProblem(config);
  if (problem !== null) logger.warn(problem);
}

function linksOf(config: Config, url: string, simulator: string | undefined): Record<string, string> {
  const home = browserUrl(url);
  if (config.role === 'worker') return { Readiness: `${home}/readyz` };
  const webhooks = webhookUrls(config, url).map(({ provider, url }) => [
    `Webhooks of ${provider}`,
    browserUrl(url),
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

/** The URL of each account's webhooks, to configure at its provider; none in a process that does not serve webhooks. */
function webhookUrls({ accounts, publicUrl, role, mimeWebhookSecrets }: Config, url: string) {
  if (role === 'worker') return [];
  const mime = mimeWebhookSecrets.length > 0 ? [{ name: MIME_ACCOUNT, kind: MIME_ACCOUNT }] : [];
  return [...accounts, ...mime].map(({ name, kind }) => ({
    provider: name,
    kind,
    url: webhookUrlOf(publicUrl ?? url, name) as string,
  }));
}

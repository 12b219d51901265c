import type { Kind } from '../provider.ts';
import { type StandardSettings, standardConfig } from './config.ts';
import { createStandardProvider } from './send.ts';

export const standard: Kind<StandardSettings> = {
  config: standardConfig,
  create: createStandardProvider,
  describe: ({ url, webhookSecrets }) => ({
    URL: url,
    'Webhook secrets':
      webhookSecrets.length > 0 ? String(webhookSecrets.length) : 'none: unsigned webhooks are accepted',
  }),
  webhookSetup: 'At the provider, set this URL for inbound messages and for receipts.',
};

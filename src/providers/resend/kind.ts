import type { Kind } from '../provider.ts';
import { type ResendSettings, resendConfig } from './config.ts';
import { createResendProvider } from './send.ts';

export const resend: Kind<ResendSettings> = {
  config: resendConfig,
  create: createResendProvider,
  describe: ({ url, webhookSecrets }) => ({
    URL: url,
    'Webhook secrets':
      webhookSecrets.length > 0 ? String(webhookSecrets.length) : 'none: unsigned webhooks are accepted',
  }),
  webhookSetup:
    'In the Resend dashboard, under Webhooks, add this URL with every email event except email.received, and set <NAME>_WEBHOOK_SECRETS to its signing secret.',
  fromMailServer: 'replies',
};

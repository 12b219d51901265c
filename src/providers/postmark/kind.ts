import type { Kind } from '../provider.ts';
import { type PostmarkSettings, postmarkConfig } from './config.ts';
import { createPostmarkProvider } from './send.ts';

export const postmark: Kind<PostmarkSettings> = {
  config: postmarkConfig,
  create: createPostmarkProvider,
  describe: ({ url, messageStream, webhooks }) => ({
    URL: url,
    'Message stream': messageStream,
    'Webhook credentials':
      webhooks.passwords.length > 1
        ? `user ${webhooks.user}, 2 passwords, both valid`
        : `user ${webhooks.user}`,
  }),
  webhookSetup:
    'In Postmark, open the message stream, Webhooks, and add a webhook with this URL and with the user and the password as its Basic auth credentials; select every event. For inbound email, open the inbound stream, Settings, and set Webhook to this URL with /inbound at its end and the credentials in it: https://postmark:PASSWORD@…',
};

import type { Kind } from '../provider.ts';
import { type TelnyxSettings, telnyxConfig } from './config.ts';
import { createTelnyxProvider } from './send.ts';

export const telnyx: Kind<TelnyxSettings> = {
  config: telnyxConfig,
  create: createTelnyxProvider,
  describe: ({ url, publicKeys, messagingProfileId }) => ({
    URL: url,
    'Public keys': publicKeys.length > 1 ? '2, both verify webhooks' : '1',
    ...(messagingProfileId !== null && { 'Messaging profile': messagingProfileId }),
  }),
  webhookSetup:
    'In the Telnyx portal, open the messaging profile of the numbers, and set "Send a webhook to this URL" to this URL with the webhook API version 2. Delivery reports need no setting if PUBLIC_URL is set.',
};

import type { Kind } from '../provider.ts';
import { type VonageSettings, vonageConfig } from './config.ts';
import { createVonageProvider } from './send.ts';

export const vonage: Kind<VonageSettings> = {
  config: vonageConfig,
  create: createVonageProvider,
  describe: ({ url, apiKey, applicationId, signatureSecrets }) => ({
    URL: url,
    'API key': apiKey,
    Application: applicationId,
    'Signature secrets': signatureSecrets.length > 1 ? '2, both verify webhooks' : '1',
  }),
  webhookSetup:
    'In the Vonage dashboard, open the application and set both the inbound URL and the status URL of Messages to this URL, version 1. Link the numbers to the application, and set "Default SMS Setting" of the account to Messages API.',
};

import type { Kind } from '../provider.ts';
import { type TwilioSettings, twilioConfig } from './config.ts';
import { createTwilioProvider } from './send.ts';

export const twilio: Kind<TwilioSettings> = {
  config: twilioConfig,
  create: createTwilioProvider,
  describe: ({ url, accountSid, authTokens, apiKey, messagingServiceSid }) => ({
    URL: url,
    Account: accountSid,
    'Auth tokens': authTokens.length > 1 ? '2, the first makes the calls and both verify webhooks' : '1',
    'Calls with': apiKey ? `the API key ${apiKey.sid}` : 'the auth token',
    ...(messagingServiceSid !== null && { 'Messaging Service': messagingServiceSid }),
  }),
  webhookSetup:
    'In the Twilio console, set "A message comes in" of each number, or of its Messaging Service, to this URL with the method POST. Status callbacks need no setting.',
};

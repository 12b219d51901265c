import type { Kind } from '../provider.ts';
import { type TwilioSettings, twilioConfig } from './config.ts';
import { createTwilioProvider } from './send.ts';

export const twilio: Kind<TwilioSettings> = { config: twilioConfig, create: createTwilioProvider };

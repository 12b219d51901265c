import type { Kind } from '../provider.ts';
import { type SesSettings, sesConfig } from './config.ts';
import { createSesProvider } from './send.ts';

export const ses: Kind<SesSettings> = {
  config: sesConfig,
  create: createSesProvider,
  describe: ({ url, region, configurationSet, topicArns }) => ({
    URL: url,
    Region: region,
    ...(configurationSet !== null && { 'Configuration set': configurationSet }),
    Topics: topicArns.length > 0 ? topicArns.join(', ') : 'none: webhooks are refused',
  }),
  webhookSetup:
    'In Amazon SNS, create an HTTPS subscription of the topic to this URL, without raw message delivery; the service confirms it. In SES, add an SNS event destination with this topic to the configuration set.',
  fromMailServer: 'replies',
};

import type { Kind } from '../provider.ts';
import { type SendGridSettings, sendgridConfig } from './config.ts';
import { createSendGridProvider } from './send.ts';

export const sendgrid: Kind<SendGridSettings> = {
  config: sendgridConfig,
  create: createSendGridProvider,
  describe: ({ url, eventPublicKeys, inbound }) => ({
    URL: url,
    'Keys of events': eventPublicKeys.length > 1 ? '2, both verify events' : '1',
    'Inbound email': describeInbound(inbound),
  }),
  webhookSetup:
    'In SendGrid, open Settings, Mail Settings, Event Webhooks. Set the Post URL to this URL, select every event, and enable Signature Verification. For inbound email, open Settings, Inbound Parse, and set the Destination URL of your host to this URL with /inbound at its end, with "POST the raw, full MIME message"; with <NAME>_INBOUND_PASSWORD, put the user and the password into the URL: https://sendgrid:PASSWORD@…',
};

function describeInbound(inbound: SendGridSettings['inbound']): string {
  if (inbound === null)
    return 'refused: neither <NAME>_INBOUND_PUBLIC_KEY nor <NAME>_INBOUND_PASSWORD is set';
  return 'publicKeys' in inbound ? 'verified by signature' : 'verified by the password in the URL';
}

import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { describeContract } from './agreement.ts';
import { serviceStates } from './service-states.ts';
import { verify } from './verify.ts';
import { emails } from './webhooks/emails.ts';
import { receipts } from './webhooks/receipts.ts';
import { texts } from './webhooks/texts.ts';

describe('What providers send to the webhooks', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
    await harness.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  after(() => harness.stop());

  const isKept = (consumer: string) => () =>
    verify({
      consumer,
      provider: 'messaging-service',
      url: harness.url,
      states: serviceStates(harness),
      webhookSecret,
    });
  describeContract(
    'sms-provider',
    'messaging-service',
    [...texts(), ...receipts('sms', 'messaging_provider_id')],
    isKept('sms-provider'),
  );
  describeContract(
    'email-provider',
    'messaging-service',
    [...emails(), ...receipts('email', 'xillio_id')],
    isKept('email-provider'),
  );
});

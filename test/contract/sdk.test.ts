import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { describeContract } from './agreement.ts';
import { API_KEY } from './sdk/call.ts';
import { conversations } from './sdk/conversations.ts';
import { decisions } from './sdk/decisions.ts';
import { errors } from './sdk/errors.ts';
import { reads, sends } from './sdk/messages.ts';
import { participants } from './sdk/participants.ts';
import { serviceStates } from './service-states.ts';
import { verify } from './verify.ts';

describe('What the SDK asks of the service', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({
      API_KEYS: `contract:${API_KEY}`,
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
    await harness.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  after(() => harness.stop());

  const interactions = [
    ...sends(),
    ...reads(),
    ...decisions(),
    ...conversations(),
    ...participants(),
    ...errors(),
  ];
  describeContract('messaging-service-sdk', 'messaging-service', interactions, () =>
    verify({
      consumer: 'messaging-service-sdk',
      provider: 'messaging-service',
      url: harness.url,
      states: serviceStates(harness, API_KEY),
    }),
  );
});

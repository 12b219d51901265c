import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { publicKeyFor } from '../support/sendgrid.ts';
import { describeContract } from './agreement.ts';
import { contractWithEmailKind } from './email-contract.ts';
import { faultStates } from './fault-states.ts';
import { KEY, requests } from './sendgrid/api.ts';
import { events } from './sendgrid/webhooks.ts';
import { serviceStates } from './service-states.ts';
import { verify } from './verify.ts';

describe('The contracts with SendGrid', () => {
  let simulator: Simulator;
  let harness: Harness;
  before(async () => {
    simulator = await startSimulator({ apiKey: KEY, settings: { receipts: { enabled: false } } });
    harness = await startHarness({
      ...{ EMAIL_PROVIDERS: 'sendgrid', SENDGRID_URL: `${simulator.url}/sendgrid` },
      ...{ SENDGRID_API_KEY: KEY, SENDGRID_EVENT_PUBLIC_KEY: publicKeyFor(webhookSecret) },
    });
  });
  after(async () => {
    await harness?.stop();
    await simulator.stop();
  });

  describeContract('messaging-service', 'sendgrid', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'sendgrid', url: `${simulator.url}/sendgrid` },
      states: faultStates(simulator.url, 'sendgrid', {
        'the account exceeds its rate limit': { status: 429, retry_after: 30 },
        'SendGrid has an unexpected error': { status: 500 },
      }),
    }),
  );
  describeContract(
    'sendgrid',
    'messaging-service',
    events(),
    () =>
      verify({
        ...{ consumer: 'sendgrid', provider: 'messaging-service', url: harness.url },
        ...{ sendgridSecret: webhookSecret, states: serviceStates(harness) },
      }),
    contractWithEmailKind('SendGrid', ['x-twilio-email-event-webhook-timestamp']),
  );
});

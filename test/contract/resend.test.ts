import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { describeContract } from './agreement.ts';
import { KEY } from './resend/adapter.ts';
import { requests } from './resend/api.ts';
import { contractWithResend } from './resend/contract.ts';
import { resendStates } from './resend/states.ts';
import { events } from './resend/webhooks.ts';
import { serviceStates } from './service-states.ts';
import { verify } from './verify.ts';

describe('The contracts with Resend', () => {
  let simulator: Simulator;
  let harness: Harness;
  before(async () => {
    simulator = await startSimulator({ apiKey: KEY, settings: { receipts: { enabled: false } } });
    harness = await startHarness({
      ...{ EMAIL_PROVIDERS: 'resend', RESEND_URL: `${simulator.url}/resend` },
      ...{ RESEND_API_KEY: KEY, RESEND_WEBHOOK_SECRETS: webhookSecret },
    });
  });
  after(async () => {
    await harness?.stop();
    await simulator.stop();
  });

  describeContract('messaging-service', 'resend', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'resend', url: `${simulator.url}/resend` },
      states: resendStates(simulator.url),
    }),
  );
  describeContract(
    'resend',
    'messaging-service',
    events(),
    () =>
      verify({
        ...{ consumer: 'resend', provider: 'messaging-service', url: harness.url },
        ...{ svixSecret: webhookSecret, states: serviceStates(harness) },
      }),
    contractWithResend(),
  );
});

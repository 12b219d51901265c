import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { postmarkEnvironment, SERVER_TOKEN } from '../support/postmark.ts';
import { describeContract } from './agreement.ts';
import { contractWithEmailKind } from './email-contract.ts';
import { faultStates } from './fault-states.ts';
import { requests } from './postmark/api.ts';
import { events, inbound } from './postmark/webhooks.ts';
import { serviceStates } from './service-states.ts';
import { verify } from './verify.ts';

describe('The contracts with Postmark', () => {
  let simulator: Simulator;
  let harness: Harness;
  before(async () => {
    simulator = await startSimulator({ apiKey: SERVER_TOKEN, settings: { receipts: { enabled: false } } });
    harness = await startHarness(postmarkEnvironment(`${simulator.url}/postmark`));
  });
  after(async () => {
    await harness?.stop();
    await simulator.stop();
  });

  describeContract('messaging-service', 'postmark', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'postmark', url: `${simulator.url}/postmark` },
      states: faultStates(simulator.url, 'postmark', {
        'the server exceeds its rate limit': { status: 429, retry_after: 30 },
        'the account has no credit': { status: 422, code: 405 },
        'Postmark has an unexpected error': { status: 500 },
      }),
    }),
  );
  describeContract(
    'postmark',
    'messaging-service',
    [...events(), inbound()],
    () =>
      verify({
        ...{ consumer: 'postmark', provider: 'messaging-service', url: harness.url },
        states: serviceStates(harness),
      }),
    contractWithEmailKind('Postmark'),
  );
});

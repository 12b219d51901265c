import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { SECRET_ACCESS_KEY } from '../support/ses.ts';
import { describeContract } from './agreement.ts';
import { faultStates, settingsState } from './fault-states.ts';
import { requests } from './ses/api.ts';
import { verify } from './verify.ts';

/** The webhooks of SES have their signature in the body: `test/providers/ses/webhooks.test.ts` compares them. */
describe('The contract with SES', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({
      ...{ apiKey: SECRET_ACCESS_KEY, settings: { receipts: { enabled: false } } },
    });
  });
  after(() => simulator.stop());

  describeContract('messaging-service', 'ses', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'ses', url: `${simulator.url}/ses` },
      awsSecret: SECRET_ACCESS_KEY,
      states: {
        'no identity is verified': settingsState(simulator.url, { ses: { senders: [] } }),
        ...faultStates(simulator.url, 'ses', {
          'the account exceeds its rate limit': { status: 429 },
          'the account has no quota left': { status: 400, code: 'LimitExceededException' },
          'SES has an unexpected error': { status: 500 },
        }),
      },
    }),
  );
});

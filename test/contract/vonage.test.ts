import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import {
  API_KEY,
  APPLICATION_ID,
  PRIVATE_KEY,
  SIGNATURE_SECRET,
  SIMULATED,
  vonageAccount,
} from '../support/vonage.ts';
import { describeContract } from './agreement.ts';
import { verify } from './verify.ts';
import { requests } from './vonage/api.ts';
import { contractWithVonage } from './vonage/contract.ts';
import { serviceStatesWithVonage, vonageStates } from './vonage/states.ts';
import { inboundMessages, statuses } from './vonage/webhooks.ts';

const signer = {
  ...{ apiKey: API_KEY, applicationId: APPLICATION_ID, privateKey: PRIVATE_KEY },
  signatureSecret: SIGNATURE_SECRET,
};

describe('The contracts with Vonage', () => {
  let simulator: Simulator;
  let harness: Harness;
  before(async () => {
    simulator = await startSimulator({ ...SIMULATED, settings: { receipts: { enabled: false } } });
    harness = await startHarness({ SMS_PROVIDERS: 'vonage', ...vonageAccount(`${simulator.url}/vonage`) });
  });
  after(async () => {
    await harness?.stop();
    await simulator.stop();
  });

  describeContract('messaging-service', 'vonage', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'vonage', url: `${simulator.url}/vonage` },
      ...{ states: vonageStates(simulator.url), vonage: { ...signer, ofWebhooks: false } },
    }),
  );
  describeContract(
    'vonage',
    'messaging-service',
    [...inboundMessages(), ...statuses()],
    () =>
      verify({
        ...{ consumer: 'vonage', provider: 'messaging-service', url: harness.url },
        ...{ states: serviceStatesWithVonage(harness), vonage: { ...signer, ofWebhooks: true } },
      }),
    contractWithVonage(),
  );
});

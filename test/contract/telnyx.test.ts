import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { PUBLIC_KEY, SEED } from '../support/telnyx.ts';
import { describeContract } from './agreement.ts';
import { KEY } from './telnyx/adapter.ts';
import { requests } from './telnyx/api.ts';
import { contractWithTelnyx } from './telnyx/contract.ts';
import { serviceStatesWithTelnyx, telnyxStates } from './telnyx/states.ts';
import { inboundMessages, reports } from './telnyx/webhooks.ts';
import { verify } from './verify.ts';

describe('The contracts with Telnyx', () => {
  let simulator: Simulator;
  let harness: Harness;
  before(async () => {
    simulator = await startSimulator({ apiKey: KEY, settings: { receipts: { enabled: false } } });
    harness = await startHarness({
      ...{ SMS_PROVIDERS: 'telnyx', TELNYX_URL: `${simulator.url}/telnyx` },
      ...{ TELNYX_API_KEY: KEY, TELNYX_PUBLIC_KEY: PUBLIC_KEY },
    });
  });
  after(async () => {
    await harness?.stop();
    await simulator.stop();
  });

  describeContract('messaging-service', 'telnyx', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'telnyx', url: `${simulator.url}/telnyx` },
      states: telnyxStates(simulator.url),
    }),
  );
  describeContract(
    'telnyx',
    'messaging-service',
    [...inboundMessages(), ...reports()],
    () =>
      verify({
        ...{ consumer: 'telnyx', provider: 'messaging-service', url: harness.url, telnyxSeed: SEED },
        states: serviceStatesWithTelnyx(harness),
      }),
    contractWithTelnyx(),
  );
});

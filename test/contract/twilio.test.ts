import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { freePort } from '../support/process.ts';
import { describeContract } from './agreement.ts';
import { AUTH_TOKEN } from './twilio/adapter.ts';
import { requests } from './twilio/api.ts';
import { contractWithTwilio } from './twilio/contract.ts';
import { serviceStatesWithTwilio, twilioStates } from './twilio/states.ts';
import { inboundMessages, statusCallbacks } from './twilio/webhooks.ts';
import { verify } from './verify.ts';

describe('The contracts with Twilio', () => {
  let simulator: Simulator;
  let harness: Harness;
  before(async () => {
    simulator = await startSimulator({ apiKey: AUTH_TOKEN, settings: { receipts: { enabled: false } } });
    const port = await freePort();
    harness = await startHarness({
      ...{ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` },
      ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: `${simulator.url}/twilio` },
      ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
    });
  });
  after(async () => {
    await harness?.stop();
    await simulator.stop();
  });

  describeContract('messaging-service', 'twilio', requests(), () =>
    verify({
      ...{ consumer: 'messaging-service', provider: 'twilio', url: `${simulator.url}/twilio` },
      states: twilioStates(simulator.url),
    }),
  );
  describeContract(
    'twilio',
    'messaging-service',
    [...inboundMessages(), ...statusCallbacks()],
    () =>
      verify({
        ...{ consumer: 'twilio', provider: 'messaging-service', url: harness.url, authToken: AUTH_TOKEN },
        states: serviceStatesWithTwilio(harness),
      }),
    contractWithTwilio(),
  );
});

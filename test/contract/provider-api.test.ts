import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { describeContract } from './agreement.ts';
import { KEY } from './provider-api/adapter.ts';
import { emails } from './provider-api/emails.ts';
import { texts } from './provider-api/texts.ts';
import { simulatorStates } from './simulator-states.ts';
import { verify } from './verify.ts';

describe('What the service asks of the providers', () => {
  let simulator: Simulator;
  before(async () => {
    simulator = await startSimulator({ apiKey: KEY, settings: { receipts: { enabled: false } } });
  });
  after(() => simulator.stop());

  const isKept = (provider: string) => () =>
    verify({
      consumer: 'messaging-service',
      provider,
      url: simulator.url,
      states: simulatorStates(simulator.url, KEY),
    });
  describeContract('messaging-service', 'sms-provider', texts(), isKept('sms-provider'));
  describeContract('messaging-service', 'email-provider', emails(), isKept('email-provider'));
});

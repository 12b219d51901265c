import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { email } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { controlOf, PASSWORD } from '../../support/smtp.ts';
import { timelineOf } from '../../support/timeline.ts';

describe('An email whose connection to the mail server is cut', () => {
  let service: Harness;
  let simulator: Simulator;
  let control: ReturnType<typeof controlOf>;
  before(async () => {
    simulator = await startSimulator({ apiKey: PASSWORD, smtp: {} });
    control = controlOf(simulator);
    service = await startHarness({
      EMAIL_PROVIDERS: 'smtp',
      SMTP_URL: `smtp://shop:${PASSWORD}@127.0.0.1:${simulator.smtpPort}`,
      SMTP_REQUIRE_TLS: 'false',
    });
  });
  after(async () => {
    await service.stop();
    await simulator.stop();
  });
  beforeEach(() => control.reset());

  const send = async (to: string): Promise<Message> =>
    (await service.request('POST', '/api/messages/email', { ...email, to })).body;

  it('after the final dot is unknown, and is not sent again', async () => {
    await control.faults({ phase: 'end', cut: true, accepted: true, times: 1 });
    const { id } = await send('after@example.net');
    const message = await service.untilStatus(id, 'unknown');
    expect(message.error).to.include({ code: 'connection_lost_after_data' });
    // The account has neither keys nor a look-up, so that nothing can resolve the outcome.
    expect(message.next_attempt_at).to.equal(null);
    expect((await timelineOf(service, id)).attempts).to.have.lengthOf(1);
    expect(await control.received()).to.have.lengthOf(1);
    expect(await control.calls()).to.have.lengthOf(1);
  });

  it('before the final dot, in each step, is sent again, once', async () => {
    for (const phase of ['greeting', 'auth', 'mail', 'rcpt', 'data']) {
      await control.reset();
      await control.faults({ phase, cut: true, times: 1 });
      const { id } = await send(`before-${phase}@example.net`);
      await service.untilStatus(id, 'sent');
      expect(await control.received(), phase).to.have.lengthOf(1);
    }
  });
});

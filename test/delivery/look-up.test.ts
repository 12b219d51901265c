import { expect } from 'chai';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const FROM = '+12016661234';
let recipients = 0;

/** Callbacks are lost here, so that only the look-up can resolve an uncertain send. */
describe('A look-up by recipient, sender, time and text', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let service: Harness;
  let to: string;

  before(async () => {
    simulator = await startSimulator({ apiKey: AUTH_TOKEN });
    service = await startHarness({
      ...{ SMS_PROVIDERS: 'twilio', TWILIO_URL: `${simulator.url}/twilio`, PROVIDER_TIMEOUT_MS: '1000' },
      ...{ TWILIO_ACCOUNT_SID: ACCOUNT_SID, TWILIO_AUTH_TOKEN: AUTH_TOKEN },
    });
    await control('settings', { receipts: { loss_rate: 1 } });
  });
  after(async () => {
    await service?.stop();
    await simulator.stop();
  });
  beforeEach(() => {
    to = `+1804555${String(++recipients).padStart(4, '0')}`;
  });

  async function control(path: string, body: object): Promise<void> {
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    });
    expect(response.status, await response.clone().text()).to.equal(200);
  }
  const failNextSend = (accepted: boolean) =>
    control('faults', [{ channel: 'sms', type: 'status', status: 500, accepted, times: 1 }] as object);
  const send = async (body = 'Hello') =>
    (await service.client.messages.send({ from: FROM, to, type: 'sms', body })).id;

  it('finds a message that the provider sent in spite of its 500', async () => {
    await failNextSend(true);
    const message = await service.untilStatus(await send(), 'sent');
    expect(message.provider_message_id).to.match(/^SM/);
  });

  it('does not take an equal earlier message for a message that was not sent', async () => {
    await service.untilStatus(await send(), 'sent');
    await failNextSend(false);
    const { error, provider_message_id } = await service.untilStatus(await send(), 'unknown');
    expect([error?.code, provider_message_id]).to.deep.equal(['may_have_been_sent', null]);
  });

  it('finds a message beside an equal earlier message', async () => {
    const { provider_message_id: earlier } = await service.untilStatus(await send(), 'sent');
    await failNextSend(true);
    const { provider_message_id } = await service.untilStatus(await send(), 'sent');
    expect(provider_message_id).to.match(/^SM/).and.not.equal(earlier);
  });

  it('finds no message while an equal message is unknown', async () => {
    await failNextSend(false);
    await service.untilStatus(await send(), 'unknown');
    await failNextSend(true);
    await service.untilStatus(await send(), 'unknown');
  });

  it('looks a message up again after a look-up that failed', async () => {
    await control('faults', [
      { channel: 'sms', type: 'status', status: 500, accepted: true, times: 1 },
      { channel: 'sms', applies_to: 'lookup', type: 'status', status: 500, times: 1 },
    ] as object);
    const id = await send();
    await service.untilStatus(id, 'sent');
    const { body } = await service.request('GET', `/api/messages/${id}/attempts`);
    const details = body.data.map(({ outcome, detail }: { outcome: string; detail: string | null }) => [
      outcome,
      detail?.includes('the look-up failed') ?? false,
    ]);
    expect(details).to.deep.include(['unknown', true]);
    expect(details.at(-1)).to.deep.equal(['accepted', false]);
  });

  it('that finds nothing says nothing about the provider', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 8; n++) {
      to = `+1804556${String(++recipients).padStart(4, '0')}`;
      await failNextSend(false);
      const id = await send();
      await until(async () => {
        const { body } = await service.request('GET', `/api/messages/${id}/attempts`);
        return body.data.length > 0;
      }, 'the first attempt');
      ids.push(id);
      to = `+1804556${String(++recipients).padStart(4, '0')}`;
      await service.untilStatus(await send(), 'sent');
    }
    for (const id of ids) await service.untilStatus(id, 'unknown');
    const { body } = await service.request('GET', '/readyz?verbose=true');
    const [channel] = body.channels.filter(({ channel }: { channel: string }) => channel === 'sms');
    expect(channel.accounts.map(({ breaker }: { breaker: string }) => breaker)).to.deep.equal(['closed']);
  });

  it('does not take the first send of a message for its manual retry', async () => {
    const id = await send();
    const first = await service.untilStatus(id, 'sent');
    await service.service.database
      .knex('deliveries')
      .where({ message_id: id })
      .update({ status: 'undelivered' });
    await failNextSend(false);
    await service.client.messages.retry(id);
    const { provider_message_id } = await service.untilStatus(id, 'unknown');
    expect(provider_message_id).to.not.equal(first.provider_message_id);
  });
});

import { expect } from 'chai';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import type { SettingsChange } from '../../src/simulator/settings.ts';
import { until } from '../support/until.ts';
import {
  email,
  type Play,
  type Received,
  type Receiver,
  secret,
  sms,
  startPlay,
  startReceiver,
} from './support.ts';

describe('Receipts', () => {
  let receiver: Receiver;
  let play: Play;
  let answer: (received: Received) => number;

  beforeEach(async () => {
    answer = () => 200;
    receiver = await startReceiver((received) => answer(received));
    play = await startPlay({
      webhookSecret: secret,
      settings: { service_url: receiver.url, receipts: { delay_ms: 5 } },
    });
  });
  afterEach(async () => {
    await play.stop();
    await receiver.stop();
  });

  const set = (receipts: SettingsChange['receipts']) => play.set({ receipts });
  const untilReceived = (count: number) =>
    until(() => receiver.received.length >= count && receiver.received, `${count} receipts`);

  const group = { ...sms, type: 'mms', to: ['+12015550101', '+12010000008'] };
  for (const recipients of ['address', 'id'] as const)
    it(`report on each recipient of a group by ${recipients}`, async () => {
      await set({ recipients });
      const { body } = await play.send(group);
      const received = await untilReceived(4);
      const byId = recipients === 'id';
      const ids = byId ? [`${body.id}-1`, `${body.id}-2`] : [body.id, body.id];
      expect(body.recipients).to.deep.equal(
        byId ? group.to.map((address, index) => ({ address, id: ids[index] })) : undefined,
      );
      expect(
        received.map(({ body: { messaging_provider_id, recipient, status } }) => [
          messaging_provider_id,
          recipient,
          status,
        ]),
      ).to.deep.equal(
        group.to.flatMap((address, index) =>
          ['sent', index === 0 ? 'delivered' : 'undelivered'].map((status) => [
            ids[index],
            byId ? undefined : address,
            status,
          ]),
        ),
      );
    });

  it('report that a text message was sent and then delivered', async () => {
    const { id } = (await play.send()).body;
    const [sent, delivered] = await untilReceived(2);
    expect(receiver.statuses()).to.deep.equal(['sent', 'delivered']);
    expect(sent?.path).to.equal('/api/webhooks/sms/status');
    const timestamp = delivered?.body.timestamp;
    expect(delivered?.body).to.deep.equal({
      messaging_provider_id: id,
      status: 'delivered',
      timestamp,
      error: null,
    });
    expect(new Date(timestamp).toISOString()).to.equal(timestamp);
    expect(sent?.headers['webhook-id']).not.to.equal(delivered?.headers['webhook-id']);
  });

  it('are stored with their message and the numbers of successful and failed deliveries', async () => {
    answer = ({ body }) => (body.status === 'sent' ? 200 : 404);
    await set({ repeats: 2 });
    await play.send();
    await untilReceived(6);
    const receipts = async () => (await play.accepted())[0]?.receipts;
    await until(
      async () => (await receipts())?.[0]?.acknowledged === 3,
      'the first receipt is acknowledged three times',
    );
    await until(async () => (await receipts())?.[1]?.failed === 3, 'the last delivery is counted');
    expect(await receipts()).to.deep.equal([
      { status: 'sent', acknowledged: 3, failed: 0 },
      { status: 'delivered', acknowledged: 0, failed: 3 },
    ]);
  });

  it('identify an email by its xillio_id', async () => {
    const { id } = (await play.send(email)).body;
    const [sent] = await untilReceived(2);
    expect(sent?.path).to.equal('/api/webhooks/email/status');
    expect(sent?.body).to.include({ xillio_id: id, status: 'sent', error: null });
  });

  it('are signed over the raw body', async () => {
    await play.send();
    for (const { headers, text } of await untilReceived(2)) {
      const timestamp = Number(headers['webhook-timestamp']);
      expect(Math.abs(Date.now() / 1_000 - timestamp)).to.be.below(5);
      expect(headers).to.include(sign(secret, String(headers['webhook-id']), timestamp, text));
    }
  });

  for (const body of [
    { ...sms, to: '+18040000008' },
    { ...email, to: 'bounce@example.com' },
    { ...email, to: 'hard-bounce@example.com' },
  ]) {
    it(`end with undelivered for ${body.to}`, async () => {
      expect((await play.send(body)).status).to.equal(202);
      const [, end] = await untilReceived(2);
      expect(end?.body.status).to.equal('undelivered');
      expect(end?.body.error).to.have.all.keys('code', 'detail');
      expect(end?.body.bounce).to.equal(body.to === 'hard-bounce@example.com' ? 'hard' : undefined);
    });
  }

  it('report a mailbox that bounces, complains or unsubscribes after the delivery', async () => {
    const cases = [
      ['late-bounce', 'undelivered', 'hard'],
      ['complaint', 'complained', undefined],
      ['unsubscribe', 'unsubscribed', undefined],
    ];
    for (const [n, [mailbox, status, bounce]] of cases.entries()) {
      await play.send({ ...email, to: `${mailbox}@example.com` });
      const received = (await untilReceived(3 * (n + 1)))
        .slice(-3)
        .map(({ body }) => [body.status, body.bounce]);
      expect(received).to.deep.equal([
        ['sent', undefined],
        ['delivered', undefined],
        [status, bounce],
      ]);
    }
  });

  it('end with undelivered for the configured share of messages', async () => {
    await set({ failure_rate: 1 });
    await play.send();
    await untilReceived(2);
    expect(receiver.statuses()).to.deep.equal(['sent', 'undelivered']);
  });

  it('are repeated under the same id if repeats are configured', async () => {
    await set({ repeats: 2 });
    await play.send();
    const received = await untilReceived(6);
    expect(receiver.statuses()).to.deep.equal([...Array(3).fill('sent'), ...Array(3).fill('delivered')]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).to.have.lengthOf(2);
    expect(new Set(received.map(({ text }) => text))).to.have.lengthOf(2);
  });

  it('are sent in the wrong order if disorder is configured', async () => {
    await set({ disorder: true });
    await play.send();
    await untilReceived(2);
    expect(receiver.statuses()).to.deep.equal(['delivered', 'sent']);
  });

  it('are not sent if they are disabled, nor for a repeated request with a key', async () => {
    await set({ enabled: false });
    await play.send(sms, 'silent');
    await set({ enabled: true });
    await play.send(sms, 'silent');
    const { id } = (await play.send(sms, 'loud')).body;
    const received = await untilReceived(2);
    expect(new Set(received.map(({ body }) => body.messaging_provider_id))).to.deep.equal(new Set([id]));
  });

  for (const status of [500, 503, 429]) {
    it(`are repeated under the same id after a ${status}`, async () => {
      answer = () => (receiver.received.length <= 1 ? status : 200);
      await play.send();
      const [first, second] = await untilReceived(3);
      expect(receiver.statuses()).to.deep.equal(['sent', 'sent', 'delivered']);
      expect(second?.headers['webhook-id']).to.equal(first?.headers['webhook-id']);
      expect(second?.text).to.equal(first?.text);
    });
  }

  it('are not repeated after a 4xx response', async () => {
    answer = () => 404;
    await play.send();
    await untilReceived(2);
    expect(receiver.statuses()).to.deep.equal(['sent', 'delivered']);
  });

  it('reach a service that starts later at another URL', async () => {
    await receiver.stop();
    const { id } = (await play.send()).body;
    const moved = await startReceiver();
    await play.set({ service_url: `${moved.url}/` });
    await until(() => moved.received.length >= 2, 'both receipts');
    expect(moved.received.map(({ body }) => body.messaging_provider_id)).to.deep.equal([id, id]);
    expect(moved.received[0]?.path).to.equal('/api/webhooks/sms/status');
    await moved.stop();
  });

  it('are delivered after a restart of the service on its port', async () => {
    await receiver.stop();
    await play.send();
    receiver = await startReceiver(() => 200, receiver.port);
    await untilReceived(2);
    expect(receiver.statuses()).to.deep.equal(['sent', 'delivered']);
  });

  it('that are pending are dropped by a reset', async () => {
    answer = ({ body }) => (body.messaging_provider_id === dropped ? 503 : 200);
    const dropped = (await play.send()).body.id;
    await untilReceived(1);
    await play.call('POST', '/_control/reset');
    const before = receiver.received.length;
    // The second receipt of this message is sent after the time of the retry (200 ms).
    await set({ delay_ms: 250 });
    const { id } = (await play.send()).body;
    const received = await untilReceived(before + 2);
    expect(received.slice(before).map(({ body }) => body.messaging_provider_id)).to.deep.equal([id, id]);
  });

  it('of a burst of messages all arrive', async () => {
    const sent = await Promise.all(Array.from({ length: 300 }, () => play.send()));
    const received = await untilReceived(600);
    const ids = new Set(received.map(({ body }) => body.messaging_provider_id));
    expect(ids).to.deep.equal(new Set(sent.map(({ body }) => body.id)));
  });
});

import { expect } from 'chai';
import {
  type Received,
  type Receiver,
  type Reply,
  startReceiver,
  startTelnyx,
  type Telnyx,
  TO,
} from './support.ts';

const OWN = '/api/webhooks/telnyx';
const OTHER = '+18045551235';

describe("The simulator's webhooks of Telnyx", () => {
  let telnyx: Telnyx;
  let receiver: Receiver;
  const start = async (reply?: Parameters<typeof startReceiver>[0], settings: object = {}) => {
    receiver = await startReceiver(reply);
    telnyx = await startTelnyx({ service_url: receiver.url, ...settings });
  };
  afterEach(async () => {
    await telnyx.stop();
    await receiver.stop();
  });

  const typesOf = (received: Received[]) =>
    received.map(({ event }) => [event.data.event_type, event.data.payload.to[0].status]);
  const receiptsOf = async () => (await telnyx.call('GET', '/_control/messages')).body.data[0].receipts;

  it('report sent and delivered to the callback URL of the message', async () => {
    await start();
    await telnyx.create({ webhook_url: `${receiver.url}/in?echo=a%2Bb` });
    const received = await receiver.untilReceived(2);
    expect(typesOf(received)).to.deep.equal([
      ['message.sent', 'sent'],
      ['message.finalized', 'delivered'],
    ]);
    for (const { path, event, headers } of received) {
      expect(path).to.equal('/in?echo=a%2Bb');
      expect(event.meta).to.deep.equal({ attempt: 1, delivered_to: `${receiver.url}/in?echo=a%2Bb` });
      expect(event.data.payload.webhook_url).to.equal(event.meta.delivered_to);
      expect(headers['content-type']).to.equal('application/json');
    }
  });

  it('report to the URL of the messaging profile without a callback URL', async () => {
    await start();
    await telnyx.create({ to: '+18040040014' });
    const received = await receiver.untilReceived(2);
    expect(received.map(({ path }) => path)).to.deep.equal([OWN, OWN]);
    expect(typesOf(received)[1]).to.deep.equal(['message.finalized', 'expired']);
    expect(received[1]?.event.data.payload.errors[0]).to.deep.include({
      code: '40014',
      source: { pointer: '/to/0' },
    });
  });

  it('report each recipient of a group by itself, with the others as unknown', async () => {
    await start();
    const { data } = (await telnyx.createGroup([TO, '+18040040008'])).body;
    const received = await receiver.untilReceived(4);
    const statuses = received.map(({ event }) =>
      event.data.payload.to.map(({ status }: { status: string }) => status),
    );
    expect(statuses).to.deep.equal([
      ['sent', 'unknown'],
      ['unknown', 'sent'],
      ['delivered', 'unknown'],
      ['unknown', 'delivery_failed'],
    ]);
    const payloads = received.map(({ event }) => event.data.payload);
    for (const { group_message_id } of payloads) expect(group_message_id).to.equal(data.id);
    expect(new Set(payloads.map(({ id }) => id)).size).to.equal(2);
    expect(payloads[3].errors[0].source).to.deep.equal({ pointer: '/to/1' });
  });

  it('are sent three times to each URL, with one event id and a signature of each time', async () => {
    await start(() => 500);
    const failover = `${receiver.url}/failover`;
    await telnyx.create({ webhook_url: `${receiver.url}/in`, webhook_failover_url: failover });
    const received = await receiver.untilReceived(6);
    const first = received.slice(0, 6);
    expect(first.map(({ path }) => path)).to.deep.equal([
      ...['/in', '/in', '/in'],
      ...['/failover', '/failover', '/failover'],
    ]);
    expect(first.map(({ event }) => event.meta.attempt)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(new Set(first.map(({ event }) => event.data.id)).size).to.equal(1);
  });

  it('count a redirect, a lost connection and a late response as failures', async () => {
    const replies: Reply[] = [302, undefined, null, 204, 200];
    await start((_webhook, count) => replies[count - 1], { telnyx: { timeout_ms: 100 } });
    await telnyx.create({
      webhook_url: `${receiver.url}/in`,
      webhook_failover_url: `${receiver.url}/failover`,
    });
    await receiver.untilReceived(5);
    expect(receiver.received[3]?.path).to.equal('/failover');
    expect((await receiptsOf())[0]).to.include({ status: 'sent', acknowledged: 1, failed: 0 });
  });

  it('repeat, lose and reverse reports, and report before the response', async () => {
    await start(undefined, { receipts: { repeats: 1, disorder: true, early_rate: 1 } });
    await telnyx.create();
    expect(typesOf(receiver.received)).to.deep.equal([
      ...[
        ['message.finalized', 'delivered'],
        ['message.finalized', 'delivered'],
      ],
      ...[
        ['message.sent', 'sent'],
        ['message.sent', 'sent'],
      ],
    ]);
    await telnyx.call('PUT', '/_control/settings', { receipts: { loss_rate: 1 } });
    await telnyx.create();
    expect(receiver.received).to.have.lengthOf(4);
  });

  it('have undocumented fields and statuses', async () => {
    await start(undefined, { telnyx: { unknown_fields: true, unknown_status: true } });
    await telnyx.create();
    const received = await receiver.untilReceived(3);
    expect(typesOf(received)[1]).to.deep.equal(['message.rerouted', 'rerouted']);
    for (const { event } of received) expect(event.data.payload).to.have.property('future');
  });

  it('bring inbound messages with the given fields', async () => {
    await start();
    const media = ['https://media.telnyx.com/x.png'];
    const answer = await telnyx.inbound({
      from: TO,
      to: '+12016665678',
      cc: [OTHER],
      text: null,
      media,
      id: 'x',
    });
    expect(answer.body).to.include({ status: 200 });
    const { data } = receiver.received[0]?.event ?? {};
    expect(data.event_type).to.equal('message.received');
    expect(data.payload).to.deep.include({ id: 'x', type: 'MMS', text: null, autoresponse_type: null });
    expect(data.payload.from.phone_number).to.equal(TO);
    expect(data.payload.cc[0].phone_number).to.equal(OTHER);
    expect(data.payload.media[0]).to.include({ url: media[0], content_type: 'image/png' });
  });

  it('bring one copy of a group message to each number of the account', async () => {
    await start();
    await telnyx.inbound({ from: TO, to: ['+12016661234', '+12016665678'], cc: [OTHER], text: 'Copies' });
    const copies = receiver.received.map(({ event }) => event.data.payload);
    const numbersOf = (list: { phone_number: string }[]) => list.map(({ phone_number }) => phone_number);
    expect(copies.map(({ to, cc }) => [numbersOf(to), numbersOf(cc)])).to.deep.equal([
      [['+12016661234'], ['+12016665678', OTHER]],
      [['+12016665678'], ['+12016661234', OTHER]],
    ]);
    expect(new Set(copies.map(({ id }) => id)).size).to.equal(2);
  });

  it('name the keyword that Telnyx recognised', async () => {
    await start();
    for (const text of ['STOP', 'start', 'Help', 'no keyword']) await telnyx.inbound({ text });
    const types = receiver.received.map(({ event }) => event.data.payload.autoresponse_type);
    expect(types).to.deep.equal(['STOP', 'START', 'HELP', null]);
  });

  it('are refused by the control API with invalid fields, and without a service', async () => {
    await start();
    for (const fields of [{ from: 5 }, { cc: 'x' }, { text: 5 }, { channel: 'email' }])
      expect((await telnyx.inbound(fields)).status).to.equal(422);
    await telnyx.call('PUT', '/_control/settings', { service_url: 'http://127.0.0.1:1' });
    expect((await telnyx.inbound()).status).to.equal(502);
  });
});

import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import {
  type EventReceiver,
  expectedSignature,
  startEndpointService,
  startEventReceiver,
} from '../../support/event-receiver.ts';
import { until } from '../../support/until.ts';

describe('The delivery of events to endpoints', function () {
  this.timeout(60_000);
  let api: Awaited<ReturnType<typeof startEndpointService>>;
  let receiver: EventReceiver;

  before(async () => {
    receiver = await startEventReceiver();
    api = await startEndpointService();
  });
  after(async () => {
    await api?.service.stop();
    await receiver?.stop();
  });
  afterEach(async () => {
    // An endpoint of one test must not get the events of another.
    await api.sql(
      `update endpoints set enabled = false, disabled_reason = 'request', disabled_at = now() where enabled`,
    );
  });

  const untilReceived = (path: string, count: number) =>
    until(() => receiver.at(path).length >= count && receiver.at(path), `${count} requests at ${path}`);
  const untilEndpoint = (id: number, condition: (endpoint: Schema<'Endpoint'>) => boolean, name: string) =>
    until(async () => {
      const endpoint = await api.get(id);
      return condition(endpoint) && endpoint;
    }, name);
  const untilIdle = (id: number) =>
    untilEndpoint(id, (each) => each.pending_count === 0, 'no delivery is pending');

  const untilSequenced = () =>
    until(async () => (await api.sql('select from event_inbox')).length === 0, 'all events have positions');

  it('posts each event as the feed has it, signed, with its position as webhook-id', async () => {
    const { id, secret } = await api.create(`${receiver.url}/all`, { event_types: [] });
    const { id: messageId } = await api.service.client.messages.send({
      ...{ from: '+12016661234', to: '+18045550001', type: 'sms', body: 'Hello' },
    });
    await api.service.untilStatus(messageId, 'delivered');
    await untilSequenced();
    const feed = (await api.service.request('GET', '/api/events')).body as Schema<'EventList'>;
    expect(feed.data.map(({ type }) => type)).to.include.members(['message.queued', 'message.delivered']);
    await untilReceived('/all', feed.data.length);
    // Both are rendered with the present content, at different times.
    const byId = (events: Schema<'Event'>[]) =>
      events
        .toSorted((a, b) => a.id - b.id)
        .map((event) => ({ ...event, data: { ...event.data, updated_at: null } }));
    expect(byId(receiver.at('/all').map(({ event }) => event))).to.deep.equal(byId(feed.data));
    for (const received of receiver.at('/all')) {
      expect(received.id).to.equal(`evt_${received.event.id}`);
      expect(received.headers['webhook-signature']).to.equal(expectedSignature(secret, received));
    }
    await untilIdle(id);
    expect(await api.get(id)).to.include({ position: feed.position, failed_count: 0, failing_since: null });
    for (const attempt of await api.attempts(id))
      expect(attempt).to.include({ number: 1, outcome: 'succeeded', status_code: 204, error: null });
  });

  it('delivers only the types that the endpoint names, and only events after its creation', async () => {
    await api.receive();
    await untilSequenced();
    await api.create(`${receiver.url}/received`);
    const message = await api.receive();
    await api.service.client.messages.send({
      ...{ from: '+12016661234', to: '+18045550002', type: 'sms', body: 'Hello' },
    });
    const last = await api.receive();
    await untilReceived('/received', 2);
    expect(
      receiver.at('/received').map(({ event }) => [event.type, (event.data as { id: number }).id]),
    ).to.have.deep.members([
      ['message.received', message],
      ['message.received', last],
    ]);
  });

  it('signs with the previous secret too after a rotation', async () => {
    const { id, secret: previous } = await api.create(`${receiver.url}/rotated`);
    const { secret } = await api.call<Schema<'EndpointWithSecret'>>('POST', `/${id}/rotate-secret`);
    await api.receive();
    const [received] = await untilReceived('/rotated', 1);
    expect(received?.headers['webhook-signature']?.toString().split(' ')).to.have.members(
      [secret, previous].map((each) => received && expectedSignature(each, received)),
    );
  });

  it('delivers everything to a slow endpoint, which delays no other', async () => {
    const release = Promise.withResolvers<void>();
    receiver.on('/slow', async (_, response) => {
      await release.promise;
      response.writeHead(200).end();
    });
    const slow = await api.create(`${receiver.url}/slow`);
    await api.create(`${receiver.url}/fast`);
    for (let n = 0; n < 20; n++) await api.receive();
    await untilReceived('/fast', 20);
    // An endpoint gets one request until its first response.
    expect(receiver.at('/slow')).to.have.length(1);
    release.resolve();
    await untilReceived('/slow', 20);
    await untilIdle(slow.id);
    expect(new Set(receiver.at('/slow').map(({ id }) => id)).size).to.equal(20);
  });

  it('continues after its position when it is enabled again', async () => {
    const { id, position } = await api.create(`${receiver.url}/again`);
    await api.call('PATCH', `/${id}`, { enabled: false });
    await api.receive();
    await api.create(`${receiver.url}/meanwhile`);
    await api.receive();
    await untilReceived('/meanwhile', 1);
    expect(receiver.at('/again')).to.deep.equal([]);
    expect((await api.get(id)).position).to.equal(position);
    await api.call('PATCH', `/${id}`, { enabled: true });
    await untilReceived('/again', 2);
    await untilIdle(id);
  });

  it('delivers the events after a position again by a replay, with the same ids', async () => {
    const { id, position } = await api.create(`${receiver.url}/replayed`);
    for (let n = 0; n < 3; n++) await api.receive();
    const first = await untilReceived('/replayed', 3);
    await untilIdle(id);
    const after = Math.min(...first.map(({ event }) => event.id));
    expect(after).to.be.above(position);
    await api.call('POST', `/${id}/replay`, { after });
    const all = await untilReceived('/replayed', 5);
    await untilIdle(id);
    const repeated = all.slice(3).map((received) => received.id);
    expect(repeated.toSorted()).to.deep.equal(
      first
        .map((received) => received.id)
        .filter((each) => each !== `evt_${after}`)
        .toSorted(),
    );
    expect((await api.attempts(id)).map(({ number }) => number).toSorted()).to.deep.equal([1, 1, 1, 2, 2]);
  });

  it('omits an event whose resource is deleted, and an event that is not kept any more', async () => {
    const { id } = await api.create(`${receiver.url}/deleted`, { enabled: false });
    const deleted = await api.receive();
    const dropped = await api.receive();
    const kept = await api.receive();
    await until(
      async () => (await api.sql('select from event_inbox')).length === 0,
      'all events have positions',
    );
    await api.sql(
      'insert into endpoint_deliveries (endpoint_id, event_id) select $1, id from events where subject_id = $2',
      [...[id, dropped]],
    );
    await api.sql('delete from events where subject_id = $1', [dropped]);
    await api.sql('delete from messages where id = $1', [deleted]);
    await api.call('PATCH', `/${id}`, { enabled: true });
    const [received] = await untilReceived('/deleted', 1);
    expect(received?.event.data).to.include({ id: kept });
    await untilIdle(id);
    expect(receiver.at('/deleted')).to.have.length(1);
    expect(await api.attempts(id)).to.have.length(1);
  });
});

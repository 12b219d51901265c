import { expect } from 'chai';
import {
  ApiError,
  AuthenticationError,
  type Client,
  type ClientOptions,
  ConnectionError,
  createClient,
  type EventStreamOptions,
  InvalidRequestError,
  type Message,
  type MessagingEvent,
  NotFoundError,
  PositionExpiredError,
} from '../../../sdk/src/index.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type FaultyProxy, startProxy } from '../../support/proxy.ts';
import { until } from '../../support/until.ts';
import { all, problemBody, rejection } from '../support.ts';

const SENT = ['conversation.created', 'message.queued', 'message.sent', 'message.delivered'];

describe('The stream of events of the SDK', function () {
  this.timeout(60_000);
  let service: Harness;
  let proxy: FaultyProxy;
  let recipients = 0;

  before(async () => {
    service = await startHarness();
    proxy = await startProxy(service.url);
  });
  afterEach(async () => {
    await until(() => proxy.streams.size === 0, 'every stream of the test is closed');
    await until(isIdle, 'every event of the test is in the feed');
    proxy.requests.length = 0;
  });
  after(async () => {
    await proxy?.stop();
    await service?.stop();
  });

  const isIdle = async () => {
    const [row] = await query<{ open: number; waiting: number }>(
      service.databaseUrl,
      `select (select count(*)::int from deliveries where status <> 'delivered') as open,
         (select count(*)::int from event_inbox) as waiting`,
    );
    return row?.open === 0 && row.waiting === 0;
  };
  const clientOf = (options: ClientOptions = {}): Client =>
    createClient({ baseUrl: proxy.url, retryDelay: 10, ...options });
  const send = (client: Client) =>
    client.messages.send({
      ...{ type: 'sms', from: '+12016661234', to: `+1804558${String(++recipients).padStart(4, '0')}` },
      body: 'Hello',
    });
  /** The position of the end of the feed. */
  const end = async () => {
    let page = await service.client.events.list({ limit: 200 });
    for (let next = await page.nextPage(); next; next = await page.nextPage()) page = next;
    return page.position;
  };

  /** Reads a stream in the background. */
  function read(options: EventStreamOptions, client = clientOf(), received = (_: MessagingEvent) => {}) {
    const stop = new AbortController();
    const events: MessagingEvent[] = [];
    const run = async () => {
      for await (const event of client.events.stream({ ...options, signal: stop.signal })) {
        events.push(event);
        received(event);
      }
    };
    const done = run();
    const close = async () => {
      stop.abort();
      await done;
    };
    return { events, done, close };
  }
  const opened = () => until(() => proxy.streams.size > 0, 'the stream is open');

  it('has each event of the feed once and in order, through lost connections and restarts', async () => {
    const startApi = () => startHarness({ DATABASE_URL: service.databaseUrl, ROLE: 'api' });
    const after = await end();
    let api = await startApi();
    proxy.target = api.url;
    let received = 0;
    const { events, close } = read({ after }, clientOf(), () => {
      if (++received % 7 === 0) proxy.disconnect();
    });
    const sent: number[] = [];
    for (let round = 1; round <= 2; round++) {
      for (let count = 0; count < 8; count++) sent.push((await send(service.client)).id);
      await until(() => received > sent.length, 'events of this round');
      await api.stop();
      sent.push((await send(service.client)).id);
      api = await startApi();
      proxy.target = api.url;
    }
    for (const id of sent) await service.untilStatus(id, 'delivered');
    const expected = await until(async () => {
      const listed = await all(service.client.events.list({ after, limit: 200 }));
      return listed.length === sent.length * SENT.length && listed;
    }, 'the events of all messages');
    await until(() => events.length >= expected.length, 'the stream has all events');
    await close();
    expect(events.map(({ id, type }) => [id, type])).to.deep.equal(
      expected.map(({ id, type }) => [id, type]),
    );
    expect(proxy.requests.length).to.be.above(8);
    await api.stop();
    proxy.target = service.url;
  });

  it('starts at the end of the feed without a position', async () => {
    const before = await end();
    const { events, close } = read({});
    await opened();
    await until(async () => (await send(service.client)) && events.length > 0, 'an event');
    await close();
    expect(events[0]?.id).to.be.above(before);
  });

  it('has only the events of its filters', async () => {
    const { conversation_id, id } = await send(service.client);
    await service.untilStatus(id, 'delivered');
    const types = ['message.queued', 'message.sent'] as const;
    const { events, close } = read({ after: 0, conversation_id, type: types });
    await until(() => events.length === 2, 'the filtered events');
    await close();
    expect(events.map(({ type, data }) => [type, (data as Message).id])).to.deep.equal(
      types.map((type) => [type, id]),
    );
  });

  it('reconnects after 503, and after 429 not before Retry-After', async () => {
    const logged: string[] = [];
    const log = (message: string) => logged.push(message);
    const logger = { error: log, warn: log, info: log, debug: log };
    const after = await end();
    proxy.faults.push(
      { type: 'status', status: 503, body: problemBody(503) },
      { type: 'status', status: 502, body: '<html>' },
      { type: 'status', status: 429, headers: { 'retry-after': '1' }, body: problemBody(429) },
    );
    const { events, close } = read({ after }, clientOf({ logger }));
    await send(service.client);
    await until(() => events.length === SENT.length, 'the events');
    await close();
    expect(events.map(({ type }) => type)).to.deep.equal(SENT);
    expect(logged.map((message) => message.replace(/\d+ ms/, '… ms'))).to.deep.equal([
      'GET /api/events/stream: status 503, retry 1 of Infinity in … ms',
      'GET /api/events/stream: status 502, retry 2 of Infinity in … ms',
      'GET /api/events/stream: status 429, retry 3 of Infinity in … ms',
      'GET /api/events/stream: status 200',
    ]);
    expect(Number(logged[2]?.match(/(\d+) ms/)?.[1])).to.be.within(1_000, 1_100);
  });

  it('reconnects if no response or no data comes for idleTimeoutMs', async () => {
    proxy.faults.push({ type: 'stall' }, { type: 'silence' });
    const { events, close } = read({ after: await end(), idleTimeoutMs: 100 }, clientOf());
    await until(() => proxy.requests.length > 2, 'the third connection');
    await send(service.client);
    await until(() => events.length === SENT.length, 'the events');
    await close();
    expect(events.map(({ type }) => type)).to.deep.equal(SENT);
  });

  it('reconnects after a restart while nobody is there', async () => {
    const after = await end();
    const { target } = proxy;
    proxy.target = 'http://127.0.0.1:9';
    const { events, close } = read({ after });
    await until(() => proxy.requests.length > 2, 'failed connections');
    proxy.target = target;
    await send(service.client);
    await until(() => events.length === SENT.length, 'the events');
    await close();
  });

  it('fails after maxRetries connections without data', async () => {
    proxy.faults.push({ type: 'lost_response' }, { type: 'lost_response' });
    const error = await rejection(all(clientOf().events.stream({ maxRetries: 1 })));
    expect(error).to.be.instanceOf(ConnectionError);
    proxy.faults.push({ type: 'status', status: 503, body: problemBody(503) });
    const refused = await rejection(all(clientOf().events.stream({ maxRetries: 0 })));
    expect(refused).to.include({ name: 'UnavailableError', status: 503 });
  });

  it('throws a PositionExpiredError with the position to continue after', async () => {
    const after = await end();
    const error = await rejection(all(clientOf().events.stream({ after: after + 1_000_000 })));
    expect(error).to.be.instanceOf(PositionExpiredError).and.include({ code: 'position_expired' });
    const { position } = error as PositionExpiredError;
    expect(position).to.be.at.least(after);
    const { events, close } = read({ after: position });
    await send(service.client);
    await until(() => events.length === SENT.length, 'the events');
    await close();
  });

  it('throws 401, 403, 404 and 422 at once', async () => {
    const guarded = await startHarness({ API_KEYS: 'sender:secret-key-of-the-sender:send' });
    const of = (apiKey: string) => createClient({ baseUrl: guarded.url, apiKey }).events.stream();
    expect(await rejection(all(of('wrong'))))
      .to.be.instanceOf(AuthenticationError)
      .and.include({ status: 401 });
    const refused = await rejection(all(of('secret-key-of-the-sender')));
    expect(refused).to.be.instanceOf(AuthenticationError).and.include({ code: 'insufficient_scope' });
    await guarded.stop();
    const streams = clientOf().events;
    const missing = await rejection(all(streams.stream({ conversation_id: 999_999 })));
    expect(missing).to.be.instanceOf(NotFoundError);
    const invalid = await rejection(all(streams.stream({ type: ['message.lost' as 'message.sent'] })));
    expect(invalid).to.be.instanceOf(InvalidRequestError);
    expect(proxy.requests).to.have.length(2);
  });

  it('throws if the response is not a stream of events', async () => {
    proxy.faults.push({
      type: 'status',
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>',
    });
    expect(await rejection(all(clientOf().events.stream()))).to.include({ code: 'unexpected_response' });
  });

  it('ends without an error when its signal is aborted, at any time', async () => {
    expect(await all(clientOf().events.stream({ signal: AbortSignal.abort() }))).to.deep.equal([]);
    expect(proxy.requests).to.have.length(0);
    const waiting = read({});
    await opened();
    await waiting.close();
    proxy.faults.push({ type: 'stall' });
    const connecting = read({});
    await until(() => proxy.requests.length === 2, 'the request');
    await connecting.close();
    proxy.faults.push({
      type: 'status',
      status: 503,
      headers: { 'retry-after': '60' },
      body: problemBody(503),
    });
    const delayed = read({});
    await until(() => proxy.requests.length === 3, 'the request');
    await delayed.close();
  });

  it('ends between two events that came together when its signal is aborted', async () => {
    await send(service.client);
    const stop = new AbortController();
    const events: MessagingEvent[] = [];
    for await (const event of clientOf().events.stream({ after: 0, signal: stop.signal })) {
      events.push(event);
      stop.abort();
    }
    expect(events).to.have.length(1);
  });

  it('closes the connection when the consumer leaves the loop', async () => {
    await send(service.client);
    for await (const { id } of clientOf().events.stream({ after: 0 })) {
      expect(id).to.be.above(0);
      expect(proxy.streams.size).to.equal(1);
      break;
    }
    await until(() => proxy.streams.size === 0, 'the connection is closed');
    const failure = new Error('of the consumer');
    const failing = async () => {
      for await (const _ of clientOf().events.stream({ after: 0 })) throw failure;
    };
    expect(await rejection(failing())).to.equal(failure);
  });

  it('return ends a call of next that waits for an event', async () => {
    // No event has this type, also not one of a message that another test sent.
    const events = clientOf().events.stream({ type: ['endpoint.disabled'] });
    const next = events.next();
    await opened();
    expect(await events.return?.()).to.include({ done: true });
    expect(await next).to.include({ done: true });
  });

  it('reads only when the consumer asks, and cancels the body also if fetch ignores its signal', async () => {
    let pulls = 0;
    let canceled = 0;
    const body = () =>
      new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            const event = { id: ++pulls, type: 'message.received', data: {} };
            controller.enqueue(new TextEncoder().encode(`id: ${pulls}\ndata: ${JSON.stringify(event)}\n\n`));
          },
          cancel: () => void canceled++,
        },
        { highWaterMark: 0 },
      );
    const headers = { 'content-type': 'text/event-stream; charset=utf-8' };
    const client = clientOf({ fetch: async () => new Response(body(), { headers }) });
    const events = client.events.stream()[Symbol.asyncIterator]();
    for (const id of [1, 2, 3]) expect((await events.next()).value).to.include({ id });
    await new Promise(setImmediate);
    expect(pulls).to.equal(3);
    await events.return?.();
    expect(canceled).to.equal(1);
  });

  it('has no event again that a service sends twice', async () => {
    const frame = (id: number) => `id: ${id}\nevent: message.sent\ndata: {"id":${id}}\n\n`;
    const headers = { 'content-type': 'text/event-stream' };
    const texts = [`: hi\nid: 3\n\n${frame(4)}${frame(4)}`, `${frame(3)}${frame(4)}${frame(5)}`];
    const asked: string[] = [];
    const client = clientOf({
      fetch: async ({ url }) => {
        asked.push(new URL(url).search);
        return new Response(texts[asked.length - 1] ?? frame(6), { headers });
      },
    });
    const ids: number[] = [];
    for await (const { id } of client.events.stream()) if (ids.push(id) === 3) break;
    expect(ids).to.deep.equal([4, 5, 6]);
    expect(asked).to.deep.equal(['', '?after=4', '?after=5']);
  });

  it('list has the events after a position, page by page, up to the end', async () => {
    const after = await end();
    const { id } = await send(service.client);
    await service.untilStatus(id, 'delivered');
    await until(async () => (await end()) >= after + SENT.length, 'the events');
    const { events } = clientOf();
    const listed = await all(events.list({ after, limit: 1 }));
    expect(listed.map(({ type }) => type)).to.deep.equal(SENT);
    const page = await events.list({ after, limit: 3 });
    expect(page.position).to.equal(listed[2]?.id);
    expect((await page.nextPage())?.data).to.deep.equal(listed.slice(3));
    const types = await events.list({ after, type: ['message.sent', 'message.delivered'] });
    expect(types.data).to.deep.equal(listed.slice(2));
  });

  it('list rejects with position_expired if the events after its position are not kept', async () => {
    await service.service.database.knex('events').where('id', '<=', 3).delete();
    const error = await rejection(clientOf().events.list({ after: 1 }));
    expect(error).to.be.instanceOf(ApiError).and.include({ status: 410, code: 'position_expired' });
    expect((await clientOf().events.list({ after: 0, limit: 1 })).data[0]?.id).to.equal(4);
  });
});

import { expect } from 'chai';
import type { Schema } from '../../src/openapi/types.ts';
import { query } from '../support/database.ts';
import { type Frame, readFrames } from '../support/event-stream.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

describe('The stream of events', function () {
  this.timeout(60_000);
  let service: Harness;
  let recipients = 0;
  const open: AbortController[] = [];

  before(async () => {
    service = await startHarness();
  });
  after(async () => {
    for (const controller of open) controller.abort();
    await service?.stop();
  });

  /** Reads a stream in the background; `frames` are the frames so far. */
  async function follow(query = '', headers: Record<string, string> = {}, url = service.url) {
    const controller = new AbortController();
    open.push(controller);
    const response = await fetch(`${url}/api/events/stream${query}`, {
      ...{ headers, signal: controller.signal },
    });
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.match(/^text\/event-stream/);
    const frames: Frame[] = [];
    let ended = false;
    const read = async () => {
      for await (const frame of readFrames(response)) frames.push(frame);
    };
    const reading = read()
      .catch(() => undefined)
      .finally(() => {
        ended = true;
      });
    return { frames, reading, isEnded: () => ended, close: () => controller.abort() };
  }
  const named = (frames: Frame[]) => frames.filter(({ event }) => event !== undefined);
  const send = () =>
    service.client.messages.send({
      ...{ from: '+12016661234', to: `+1804557${String(++recipients).padStart(4, '0')}` },
      ...{ type: 'sms', body: 'Hello' },
    });

  it('sends new events to every reader, and continues after Last-Event-ID', async () => {
    const [first, second] = [await follow(), await follow()];
    await until(() => first.frames.length > 0 && second.frames.length > 0, 'the first positions');
    const { conversation_id } = await send();
    for (const { frames } of [first, second])
      await until(() => named(frames).some(({ event }) => event === 'message.delivered'), 'the last event');
    const types = named(first.frames).map(({ event }) => event);
    expect(types).to.deep.equal([
      ...['conversation.created', 'message.queued', 'message.sent', 'message.delivered'],
    ]);
    expect(named(second.frames)).to.deep.equal(named(first.frames));
    const [created, ...rest] = named(first.frames) as [Frame, ...Frame[]];
    expect(JSON.parse(created.data as string)).to.deep.include({
      id: created.id,
      type: 'conversation.created',
    });
    first.close();
    const again = await follow('', { 'last-event-id': `${created.id}` });
    await until(() => named(again.frames).length === 3, 'the other events');
    expect(named(again.frames)).to.deep.equal(rest);
    const filtered = await follow(`?after=0&type=message.sent&conversation_id=${conversation_id}`);
    await until(() => named(filtered.frames).length === 1, 'the filtered event');
    expect(named(filtered.frames)[0]?.event).to.equal('message.sent');
  });

  it('continues at the end for a position after it, and reports a position that is not kept', async () => {
    const ahead = await follow('?after=1000000');
    await until(() => ahead.frames.length > 0, 'a frame');
    expect(ahead.frames[0]?.event).to.equal('resync');
    await service.service.database.knex('events').where('id', '<=', 2).delete();
    // A process whose buffer does not have the events.
    const other = await startHarness({ DATABASE_URL: service.databaseUrl });
    const behind = await follow('?after=1', {}, other.url);
    await until(() => named(behind.frames).length > 1, 'a frame');
    await other.stop();
    expect(named(behind.frames)[0]).to.include({ event: 'resync', id: 2 });
    expect(named(behind.frames)[1]?.id).to.equal(3);
  });

  it('ends when the service stops', async () => {
    const other = await startHarness();
    const response = await fetch(`${other.url}/api/events/stream`);
    const text = response.text().catch(() => '');
    await other.stop();
    expect(await text).to.match(/^: keep-alive\nid: 0\n\n/);
  });

  it('is refused with 503 while the database is unavailable', async () => {
    const other = await startHarness();
    const name = new URL(other.databaseUrl).pathname.slice(1);
    const admin = Object.assign(new URL(other.databaseUrl), { pathname: '/postgres' }).href;
    await query(admin, `alter database ${name} with allow_connections false`);
    await query(admin, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    const { status, headers, body } = await other.request('GET', '/api/events/stream');
    await other.stop();
    expect([status, body.code, headers.get('retry-after')]).to.deep.equal([503, 'unavailable', '1']);
  });

  it('refuses a Last-Event-ID that is no position', async () => {
    const { status, body } = await service.request('GET', '/api/events/stream', undefined, {
      'last-event-id': 'x',
    });
    expect([status, (body as Schema<'Problem'>).errors?.[0]?.path]).to.deep.equal([
      422,
      '/headers/last-event-id',
    ]);
  });
});

import { expect } from 'chai';
import type { Schema } from '../../src/openapi/types.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

type Event = Schema<'Event'>;

describe('The feed', function () {
  this.timeout(60_000);
  let service: Harness;
  let recipients = 0;

  before(async () => {
    service = await startHarness();
  });
  after(() => service?.stop());

  const recipient = () => `+1804556${String(++recipients).padStart(4, '0')}`;
  const list = async (query = '') => {
    const { status, body } = await service.request('GET', `/api/events${query}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body as Schema<'EventList'>;
  };
  const position = async () => {
    let at = 0;
    for (;;) {
      const page = await list(`?after=${at}&limit=200`);
      at = page.position;
      if (page.next_cursor === null) return at;
    }
  };
  const typesAfter = async (after: number, conversation: number) =>
    (await list(`?after=${after}&conversation_id=${conversation}`)).data.map(({ type }) => type);
  const send = (to = recipient(), more: object = {}) =>
    service.client.messages.send({ from: '+12016661234', to, type: 'sms', body: 'Hello', ...more });

  it('has the conversation, the message and each of its statuses in order', async () => {
    const { id, conversation_id } = await send();
    const { data } = await until(async () => {
      const page = await list(`?conversation_id=${conversation_id}`);
      return page.data.length === 4 && page;
    }, 'four events');
    expect(data.map(({ type }) => type)).to.deep.equal([
      ...['conversation.created', 'message.queued', 'message.sent', 'message.delivered'],
    ]);
    const ids = data.map((event) => event.id);
    expect(ids).to.deep.equal([...ids].sort((a, b) => a - b));
    const messages = data.slice(1).map((event) => event.data as Schema<'Message'>);
    expect(messages.map((message) => [message.id, message.status, message.body])).to.deep.equal([
      [id, 'queued', 'Hello'],
      [id, 'sent', 'Hello'],
      [id, 'delivered', 'Hello'],
    ]);
    expect(messages.map(({ provider_message_id }) => provider_message_id === null)).to.deep.equal([
      ...[true, false, false],
    ]);
  });

  it('has received messages', async () => {
    const start = await position();
    await service.control('POST', '/_control/inbound', {
      ...{ channel: 'sms', from: recipient(), to: '+12016661234', body: 'Hi' },
    });
    const found = await until(async () => {
      const { data } = await list(`?after=${start}&type=message.received`);
      return data.length > 0 && data;
    }, 'the event');
    expect(found[0]?.data).to.include({ body: 'Hi', direction: 'inbound' });
  });

  it('has a scheduled message when it is canceled, and when it is queued', async () => {
    const later = () => new Date(Date.now() + 1_000).toISOString();
    const { id, conversation_id } = await send(recipient(), { send_at: later() });
    await service.client.messages.cancel(id);
    const scheduled = await send(recipient(), { send_at: later() });
    const typesOf = async (conversation: number) => (await typesAfter(0, conversation)).join();
    await until(
      async () => (await typesOf(conversation_id)) === 'conversation.created,message.canceled',
      'the event of the cancellation',
    );
    await until(
      async () =>
        (await typesOf(scheduled.conversation_id)) ===
        'conversation.created,message.queued,message.sent,message.delivered',
      'the events of the scheduled message',
    );
  });

  it('has links, and the merged conversations', async () => {
    const [one, other] = [recipient(), recipient()];
    const [first, second] = [await send(one), await send(other)];
    const start = await position();
    const idOf = async (address: string) => {
      const { body } = await service.request(
        'GET',
        `/api/participants?address=${encodeURIComponent(address)}`,
      );
      return body.data[0].id as number;
    };
    const ids = [await idOf(one), await idOf(other)] as const;
    await service.request('PUT', `/api/participants/${ids[0]}/links/${ids[1]}`);
    const types = 'type=participant.linked&type=conversation.merged';
    const { data } = await until(async () => {
      const page = await list(`?after=${start}&${types}`);
      return page.data.length === 3 && page;
    }, 'three events');
    const merged = data.find(({ type }) => type === 'conversation.merged') as Event;
    expect(merged.data).to.include({ id: second.conversation_id, merged_into: first.conversation_id });
    expect(
      data
        .filter(({ type }) => type === 'participant.linked')
        .map((event) => (event.data as { id: number }).id),
    ).to.have.members([...ids]);
  });

  it('shows the present external id and metadata of conversations and participants', async () => {
    const { conversation_id } = await send();
    const metadata = Object.fromEntries(
      Array.from({ length: 50 }, (_, n) => [`key-${n}`, '𝄞'.repeat(1_024)]),
    );
    await service.client.conversations.update(conversation_id, { external_id: 'ticket-1', metadata });
    const path = `?conversation_id=${conversation_id}&type=conversation.created`;
    const event = await until(async () => (await list(path)).data[0], 'the event');
    expect(event).to.have.nested.include({ 'data.external_id': 'ticket-1', truncated: true });
    expect(Buffer.byteLength(JSON.stringify(event))).to.be.at.most(20_000);
    await service.client.conversations.update(conversation_id, { metadata: { plan: 'gold' } });
    const [present] = (await list(path)).data;
    expect(present?.data).to.deep.include({ external_id: 'ticket-1', metadata: { plan: 'gold' } });
  });

  it('cuts the body of an event to 20,000 bytes', async () => {
    const { conversation_id } = await service.client.messages.send({
      ...{ type: 'email', from: 'a@example.com', to: 'b@example.com', body: 'é'.repeat(500_000) },
    });
    const event = await until(
      async () => (await list(`?conversation_id=${conversation_id}&type=message.queued`)).data[0],
      'the event',
    );
    expect(event).to.include({ truncated: true });
    expect(Buffer.byteLength(JSON.stringify(event))).to.be.within(15_000, 20_000);
  });

  it('refuses a position that is not kept, and continues at the end for a position after it', async () => {
    const last = await position();
    expect((await list(`?after=${last + 1_000}`)).position).to.be.at.most(last + 10);
    await service.service.database.knex('events').where('id', '<=', 3).delete();
    const { status, body } = await service.request('GET', '/api/events?after=1');
    expect([status, body.code]).to.deep.equal([410, 'position_expired']);
    expect((await list('?after=0&limit=1')).data[0]?.id).to.equal(4);
  });

  it('refuses an unknown type and a conversation that does not exist', async () => {
    expect((await service.request('GET', '/api/events?type=message.lost')).status).to.equal(422);
    expect((await service.request('GET', '/api/events?conversation_id=999999')).status).to.equal(404);
  });
});

import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { email, inboundEmail, inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Answer, type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const DELETE_EVERYTHING = 'truncate participants, conversations cascade';

describe('Rows that an operator deleted from the database', () => {
  let service: Harness;
  let received = 0;
  beforeEach(async () => {
    service = await startHarness({ ROLE: 'api' });
  });
  afterEach(() => service.stop());

  const sql = (text: string) => query(service.databaseUrl, text);
  const ok = ({ status, body }: Answer): Message => {
    expect(status, JSON.stringify(body)).to.be.oneOf([200, 202]);
    return body;
  };
  const receive = async (from: string, changes: object = {}) =>
    ok(
      await service.request('POST', '/api/webhooks/sms', {
        ...inboundSms,
        from,
        messaging_provider_id: `deleted-${++received}`,
        ...changes,
      }),
    );
  const get = async (path: string) => {
    const { status, body } = await service.request('GET', path);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body;
  };
  const addressesOf = async (id: number) =>
    (await get(`/api/conversations/${id}`)).participants.map(({ address }: { address: string }) => address);

  describe('are detected by a process that has cached them, without a restart', () => {
    const [ADA, BOB] = ['+18045550001', '+18045550002'];
    const deletions: [string, string][] = [
      [
        'a conversation',
        'delete from messages; delete from conversation_participants; delete from conversations',
      ],
      [
        'a participant',
        `delete from messages; delete from conversation_participants; delete from participants where address = '${ADA}'`,
      ],
      [
        'the business as a participant',
        `delete from messages; delete from conversation_participants; delete from participants where address = '${inboundSms.to}'`,
      ],
      ['the participants of a conversation', 'delete from conversation_participants'],
      [
        'one participant of a conversation',
        `delete from conversation_participants where participant_id in (select id from participants where address = '${ADA}')`,
      ],
      ['everything', DELETE_EVERYTHING],
      [
        'everything, with the ids starting at 1 again',
        'truncate participants, conversations restart identity cascade',
      ],
      ['participants, with their ids starting at 1 again', 'truncate participants restart identity cascade'],
    ];
    for (const [title, deletion] of deletions) {
      it(title, async () => {
        for (const from of [ADA, BOB]) await receive(from);
        await sql(deletion);
        // The first message has the ids that the cache holds for another conversation.
        for (const from of ['+18045550009', BOB, ADA]) {
          const message = await receive(from);
          expect(await addressesOf(message.conversation_id)).to.have.members([from, inboundSms.to]);
        }
        const sent = ok(
          await service.request('POST', '/api/messages/sms', { ...sms, from: inboundSms.to, to: ADA }),
        );
        expect(await addressesOf(sent.conversation_id)).to.have.members([ADA, inboundSms.to]);
        const found = await get(`/api/messages?participant=${encodeURIComponent(ADA)}`);
        expect(found.data.map(({ id }: Message) => id)).to.include(sent.id);
      });
    }

    it('some conversations of a batch, whose other messages are recorded too', async () => {
      const phones = Array.from({ length: 60 }, (_, n) => `+1804555${1_000 + n}`);
      await Promise.all(phones.map((phone) => receive(phone)));
      await sql(`
        delete from messages where conversation_id % 2 = 0;
        delete from conversation_participants where conversation_id % 2 = 0;
        delete from conversations where id % 2 = 0`);
      const messages = await Promise.all(phones.map((phone) => receive(phone)));
      expect(new Set(messages.map(({ conversation_id }) => conversation_id)).size).to.equal(60);
      const [count] = await sql('select sum(message_count)::int as messages from conversations');
      expect(count).to.deep.equal({ messages: 90 });
    });

    it('a conversation that others are merged into', async () => {
      await receive(ADA);
      await receive(BOB);
      const { data } = await get('/api/participants');
      const [, ada, bob] = data.map(({ id }: { id: number }) => id);
      expect((await service.request('PUT', `/api/participants/${ada}/links/${bob}`)).status).to.equal(200);
      await sql(`
        update conversations set merged_into_id = null;
        delete from messages where conversation_id = 1;
        delete from conversation_participants where conversation_id = 1;
        delete from conversations where id = 1`);
      expect((await receive(BOB)).conversation_id).to.equal(2);
      expect((await receive(ADA)).conversation_id).to.equal(2);
    });
  });

  it('of an unlinked conversation do not leave the time of its messages with the other conversation', async () => {
    const [ADA, ALIAS] = ['+18045550001', '+18045550002'];
    const [first, second] = [await receive(ADA), await receive(ALIAS)];
    const [one, other] = await Promise.all(
      [ADA, ALIAS].map(
        async (address) =>
          (await get(`/api/participants?address=${encodeURIComponent(address)}`)).data[0].id as number,
      ),
    );
    const link = `/api/participants/${one}/links/${other}`;
    expect((await service.request('PUT', link)).status).to.equal(200);
    await sql(`delete from conversation_participants where conversation_id = ${second.conversation_id}`);
    expect((await service.request('DELETE', link)).status).to.equal(200);
    await receive(ALIAS);
    const times = await sql('select id::int, last_message_at from conversations order by id');
    expect(times[0]).to.deep.equal({
      id: first.conversation_id,
      last_message_at: new Date(first.created_at),
    });
  });

  it('make a repeated request record a new message', async () => {
    const send = () => service.request('POST', '/api/messages/sms', sms, { 'idempotency-key': 'deleted' });
    const first = ok(await send());
    await sql('delete from deliveries; delete from messages');
    expect(ok(await send()).id).to.be.greaterThan(first.id);
  });

  it('are not found, and their receipts are stored without a message', async () => {
    const { id } = ok(await service.request('POST', '/api/messages/sms', sms));
    await sql(`update deliveries set status = 'sent', provider = 'text-co', provider_message_id = 'gone-1'`);
    const receipt = { messaging_provider_id: 'gone-1', status: 'delivered' };
    const take = () => service.request('POST', '/api/webhooks/sms/status', receipt);
    expect((await take()).body.message_id).to.equal(id);
    await sql('delete from delivery_receipts; delete from deliveries; delete from messages');
    const { status, body } = await take();
    expect([status, body.message_id]).to.deep.equal([200, null]);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/attempts'],
      ['POST', '/cancel'],
      ['POST', '/retry'],
    ] as const)
      expect((await service.request(method, `/api/messages/${id}${path}`)).status, path).to.equal(404);
  });

  it('leave an outbound message without its delivery readable, as unknown', async () => {
    const message = ok(await service.request('POST', '/api/messages/email', email));
    await sql('delete from deliveries');
    const path = `/api/messages/${message.id}`;
    expect(await get(path)).to.deep.include({ id: message.id, status: 'unknown', expires_at: null });
    for (const list of ['/api/messages', '/api/messages?q=test', '/api/conversations/1/messages'])
      expect((await get(list)).data[0]).to.include({ id: message.id, status: 'unknown' });
    expect((await get(`${path}/attempts`)).data).to.deep.equal([]);
    for (const action of ['cancel', 'retry'])
      expect((await service.request('POST', `${path}/${action}`)).status).to.equal(404);
  });

  it('leave every cursor that points at them valid', async () => {
    for (let n = 0; n < 6; n++) {
      await receive(`+1804555100${n}`);
      await receive('+18045551000');
    }
    const lists = [
      '/api/messages?',
      '/api/messages?q=incoming&',
      '/api/conversations?',
      '/api/participants?',
    ];
    const paths = [...lists, '/api/conversations/1/messages?', '/api/conversations/1/messages?order=desc&'];
    const pages = await Promise.all(paths.map(async (path) => [path, await get(`${path}limit=2`)] as const));
    await sql(DELETE_EVERYTHING);
    await receive('+18045551000');
    for (const [path, { next_cursor }] of pages) {
      expect(next_cursor, path).to.be.a('string');
      const { status } = await service.request('GET', `${path}cursor=${next_cursor}`);
      // The conversation itself is deleted.
      expect(status, path).to.equal(path.startsWith('/api/conversations/1') ? 404 : 200);
    }
  });

  it('of a conversation with an email are detected as well', async () => {
    const mail = async (id: string) =>
      ok(await service.request('POST', '/api/webhooks/email', { ...inboundEmail, xillio_id: id }));
    await mail('one');
    await sql(DELETE_EVERYTHING);
    expect(await addressesOf((await mail('two')).conversation_id)).to.have.members([
      inboundEmail.from,
      inboundEmail.to,
    ]);
  });

  it('do not block the later messages of their conversation', async () => {
    const first = await service.client.messages.send({ ...sms, attachments: undefined });
    const second = await service.client.messages.send({ ...sms, attachments: undefined });
    await sql(
      `delete from deliveries where message_id = ${first.id}; delete from messages where id = ${first.id}`,
    );
    const worker = await startHarness({ ROLE: 'worker', DATABASE_URL: service.databaseUrl });
    try {
      await until(
        async () => (await service.client.messages.get(second.id)).status === 'sent',
        'the second message is sent',
      );
    } finally {
      await worker.stop();
    }
  });
});

describe('A message that an operator deleted during its delivery', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('leaves no attempt, and the messages that are settled with it are settled', async () => {
    await query(
      service.databaseUrl,
      `create function vanish() returns trigger language plpgsql as $$
       begin
         delete from deliveries where message_id = new.message_id;
         delete from messages where id = new.message_id;
         return null;
       end $$`,
    );
    await query(
      service.databaseUrl,
      `create trigger vanish after update on deliveries for each row
       when (new.message_id = 2 and new.status = 'sending') execute function vanish()`,
    );
    const send = (n: number) =>
      service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555100${n}` });
    for (const n of [1, 2, 3]) await send(n);
    for (const id of [1, 3]) await service.untilStatus(id, 'delivered');
    await until(async () => (await service.accepted()).length === 3, 'the deleted message was sent');
    const again = (await send(2)).body.id;
    await service.untilStatus(again, 'delivered');
    const attempts = await query(
      service.databaseUrl,
      'select message_id::int as id from delivery_attempts order by 1',
    );
    expect(attempts.map(({ id }) => id)).to.deep.equal([1, 3, again]);
    expect((await service.request('GET', '/api/messages/2')).status).to.equal(404);
  });
});

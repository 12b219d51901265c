import { expect } from 'chai';
import type { Conversation, Message } from '../../../sdk/src/index.ts';
import { storedFunction } from '../../../src/db/functions.ts';
import { inboundEmail, inboundSms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const SHOP = { phone: '+12016661234', email: 'shop@usehatchapp.com' };
const ADA = { phone: '+18045550001', email: 'ada@example.com', mobile: '+18045550002' };

describe('Linked participants', () => {
  let service: Harness;
  let received = 0;
  const participants = new Map<string, number>();

  const text = async (from: string, to: string, body = 'hi'): Promise<Message> =>
    (
      await service.request('POST', '/api/webhooks/sms', {
        ...inboundSms,
        from,
        to,
        body,
        messaging_provider_id: `m-${++received}`,
      })
    ).body;
  const mail = async (from: string, to: string | string[], body = 'hi'): Promise<Message> =>
    (
      await service.request('POST', '/api/webhooks/email', {
        ...inboundEmail,
        from,
        to,
        body,
        xillio_id: `e-${++received}`,
      })
    ).body;
  const conversation = async (id: number): Promise<Conversation> =>
    (await service.request('GET', `/api/conversations/${id}`)).body;
  const messageIds = async (id: number): Promise<number[]> =>
    (await service.request('GET', `/api/conversations/${id}/messages`)).body.data.map(
      (message: Message) => message.id,
    );
  const idOf = async (address: string): Promise<number> => {
    const { body } = await service.request('GET', `/api/participants?address=${encodeURIComponent(address)}`);
    return participants.get(address) ?? participants.set(address, body.data[0].id).get(address) ?? 0;
  };
  const link = async (method: 'PUT' | 'DELETE', one: string, other: string) =>
    service.request(method, `/api/participants/${await idOf(one)}/links/${await idOf(other)}`);

  beforeEach(async () => {
    service = await startHarness();
    participants.clear();
  });
  afterEach(() => service.stop());

  it('have one conversation for messages to any of their addresses', async () => {
    const first = await text(ADA.phone, SHOP.phone);
    const second = await mail(ADA.email, SHOP.email);
    const third = await text(SHOP.phone, ADA.phone);
    expect((await link('PUT', ADA.phone, ADA.email)).status).to.equal(200);
    // The shop still has two unlinked addresses, so these are two sets of people.
    expect((await conversation(2)).merged_into).to.equal(null);
    expect((await link('PUT', SHOP.email, SHOP.phone)).status).to.equal(200);

    expect(await conversation(1)).to.deep.include({
      id: 1,
      merged_into: null,
      merged_ids: [2],
      channels: ['sms', 'email'],
      message_count: 3,
    });
    expect(await conversation(2)).to.deep.equal({ ...(await conversation(1)), id: 2, merged_into: 1 });
    for (const id of [1, 2]) expect(await messageIds(id)).to.deep.equal([first.id, second.id, third.id]);
    const { data } = (await service.request('GET', '/api/conversations')).body;
    expect(data.map(({ id }: Conversation) => id)).to.deep.equal([1]);
    const { body } = await service.request('GET', `/api/messages/${second.id}`);
    expect(body.conversation_id).to.equal(1);
  });

  it('have later messages in the primary conversation', async () => {
    await text(ADA.phone, SHOP.phone);
    await text(ADA.mobile, SHOP.phone);
    await link('PUT', ADA.phone, ADA.mobile);
    const next = await text(ADA.mobile, SHOP.phone, 'next');
    expect(next.conversation_id).to.equal(1);
    const sent = await service.request('POST', '/api/messages/sms', {
      from: SHOP.phone,
      to: ADA.mobile,
      body: 'sent',
    });
    expect(sent.body.conversation_id).to.equal(1);
    const shown = await conversation(2);
    expect(shown.message_count).to.equal(4);
    expect(shown.last_message).to.include({ id: sent.body.id, preview: 'sent' });
    expect(shown.last_message_at).to.equal(sent.body.created_at);
    await service.untilStatus(sent.body.id, 'delivered');
  });

  it('have a new conversation of other addresses merged at its creation', async () => {
    await text(ADA.phone, SHOP.phone);
    await mail(ADA.email, 'someone@else.com');
    await link('PUT', ADA.phone, ADA.email);
    await link('PUT', SHOP.phone, await known(SHOP.email));
    const mixed = await mail(ADA.email, SHOP.email);
    expect(mixed.conversation_id).to.equal(1);
    expect(await messageIds(1)).to.have.length(2);
  });
  const known = async (address: string) => {
    await mail(address, 'nobody@else.com');
    return address;
  };

  it('have their separate conversations again when the link is removed', async () => {
    const one = await text(ADA.phone, SHOP.phone);
    const other = await text(ADA.mobile, SHOP.phone);
    const before = [await conversation(1), await conversation(2)];
    await link('PUT', ADA.phone, ADA.mobile);
    expect((await link('DELETE', ADA.mobile, ADA.phone)).status).to.equal(200);
    expect([await conversation(1), await conversation(2)]).to.deep.equal(before);

    await link('PUT', ADA.phone, ADA.mobile);
    const between = await text(ADA.mobile, SHOP.phone, 'between');
    expect(between.conversation_id).to.equal(1);
    await link('DELETE', ADA.phone, ADA.mobile);
    expect(await messageIds(1)).to.deep.equal([one.id]);
    expect(await messageIds(2)).to.deep.equal([other.id, between.id]);
    expect(await conversation(2)).to.deep.include({ merged_into: null, message_count: 2 });
    expect((await conversation(2)).last_message_at).to.equal(between.created_at);
  });

  it('can be unlinked after the clock of the database was set back', async () => {
    await text(ADA.phone, SHOP.phone);
    await text(ADA.mobile, SHOP.phone);
    await link('PUT', ADA.phone, ADA.mobile);
    // Simulates a clock that was one hour ahead at the time of the link.
    await query(service.databaseUrl, `update participant_links set linked_at = now() + interval '1 hour'`);
    expect((await link('DELETE', ADA.phone, ADA.mobile)).status).to.equal(200);
  });

  it('have the time after the wait for the lock as the time of their link', async () => {
    await text(ADA.phone, SHOP.phone);
    await text(ADA.mobile, SHOP.phone);
    const holder = await service.service.database.pool.connect();
    await holder.query(`begin; select ${storedFunction('lock_people')}()`);
    const linking = link('PUT', ADA.phone, ADA.mobile);
    await until(
      async () =>
        (await query(service.databaseUrl, `select from pg_locks where locktype = 'advisory' and not granted`))
          .length,
      'the request waits for the lock',
    );
    const { rows } = await holder.query('select clock_timestamp()::timestamptz(3) as now');
    await holder.query('commit');
    holder.release();
    expect((await linking).status).to.equal(200);
    const { body } = await service.request('GET', `/api/participants/${await idOf(ADA.phone)}`);
    expect(Date.parse(body.links[0].linked_at)).to.be.least(rows[0].now.getTime());
  });

  it('become two people when a link in the middle is removed', async () => {
    for (const from of Object.values(ADA))
      await (from.includes('@') ? mail(from, SHOP.email) : text(from, SHOP.phone));
    await link('PUT', ADA.phone, ADA.email);
    await link('PUT', ADA.email, ADA.mobile);
    const people = async () =>
      Promise.all(
        Object.values(ADA).map(async (address) => {
          const { body } = await service.request('GET', `/api/participants/${await idOf(address)}`);
          return body.person_id;
        }),
      );
    const [phone, email, mobile] = [await idOf(ADA.phone), await idOf(ADA.email), await idOf(ADA.mobile)];
    expect(await people()).to.deep.equal([phone, phone, phone]);
    await link('DELETE', ADA.phone, ADA.email);
    expect(await people()).to.deep.equal([phone, email, email]);
    expect(mobile).to.be.greaterThan(email);
  });

  it('are found by any of their addresses', async () => {
    await text(ADA.phone, SHOP.phone);
    await mail(ADA.email, SHOP.email);
    await link('PUT', ADA.phone, ADA.email);
    for (const address of [ADA.phone, ADA.email]) {
      const search = `participant=${encodeURIComponent(address)}`;
      const found = (await service.request('GET', `/api/conversations?${search}`)).body.data;
      expect(found.map(({ id }: Conversation) => id)).to.deep.equal([2, 1]);
      expect((await service.request('GET', `/api/messages?${search}`)).body.data).to.have.length(2);
    }
  });

  it('have their current and former links', async () => {
    await text(ADA.phone, SHOP.phone);
    await text(ADA.mobile, SHOP.phone);
    const { body } = await link('PUT', ADA.phone, ADA.mobile);
    const again = await link('PUT', ADA.mobile, ADA.phone);
    expect(again.body.links).to.have.length(1);
    await link('DELETE', ADA.phone, ADA.mobile);
    const last = (await link('PUT', ADA.phone, ADA.mobile)).body;
    expect(last.links).to.have.length(2);
    expect(last.links[0]).to.deep.include({ ...body.links[0], unlinked_at: last.links[0].unlinked_at });
    expect(last.links[0].unlinked_at >= last.links[0].linked_at).to.equal(true);
    expect(last.links[1]).to.include({ participant_id: await idOf(ADA.mobile), unlinked_at: null });
  });

  it('can have a name', async () => {
    await text(ADA.phone, SHOP.phone);
    const path = `/api/participants/${await idOf(ADA.phone)}`;
    expect((await service.request('PATCH', path, { name: 'Ada' })).body.name).to.equal('Ada');
    expect((await service.request('PATCH', path, {})).body.name).to.equal('Ada');
    expect((await conversation(1)).participants.map(({ name }) => name)).to.have.members(['Ada', null]);
    expect((await service.request('PATCH', path, { name: null })).body.name).to.equal(null);
    expect((await service.request('PATCH', path, { name: '' })).status).to.equal(422);
    expect((await service.request('PATCH', '/api/participants/99', { name: 'x' })).status).to.equal(404);
  });

  it('are listed page by page', async () => {
    for (let n = 0; n < 5; n++) await text(`+1804555100${n}`, SHOP.phone);
    const found: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await service.request(
        'GET',
        `/api/participants?limit=4${cursor && `&cursor=${cursor}`}`,
      );
      found.push(...body.data.map(({ id }: { id: number }) => id));
      cursor = body.next_cursor;
    }
    expect(found)
      .to.have.length(6)
      .and.to.deep.equal([...found].sort((a, b) => a - b));
    expect((await service.request('GET', '/api/participants?address=nobody@x.org')).body.data).to.deep.equal(
      [],
    );
    expect((await service.request('GET', '/api/participants?address=%20')).status).to.equal(422);
  });

  describe('are read as merged or separate and never as a mixture, while they are linked and unlinked,', () => {
    const phones = Array.from({ length: 4 }, (_, n) => `+1804555300${n}`);
    const all = [1, 2, 3, 4];
    beforeEach(async () => {
      for (const phone of phones) await text(phone, SHOP.phone);
    });
    const whileLinking = async (reads: (() => Promise<void>)[]) => {
      let busy = true;
      const linker = async () => {
        for (let n = 0; n < 8 && busy; n++) {
          const [one, other] = [phones[n % 4] as string, phones[(n + 1) % 4] as string];
          expect((await link('PUT', one, other)).status).to.equal(200);
          expect((await link('DELETE', one, other)).status).to.equal(200);
        }
        busy = false;
      };
      const reader = async (read: () => Promise<void>) => {
        while (busy) await read();
      };
      await Promise.all([linker(), ...reads.map(reader)]).finally(() => {
        busy = false;
      });
    };
    const get = async (path: string) => {
      const { status, body } = await service.request('GET', path);
      expect(status, JSON.stringify(body)).to.equal(200);
      return body;
    };

    it('in lists', async () => {
      // Not the first page, which waits for the transaction that links.
      await text('+18045553009', SHOP.phone);
      const { next_cursor } = await get('/api/conversations?limit=1');
      const readAll = async () => {
        const { data } = await get(`/api/conversations?cursor=${next_cursor}`);
        expect(data.flatMap(({ id, merged_ids }: Conversation) => [id, ...merged_ids])).to.have.members(all);
      };
      await whileLinking(Array(6).fill(readAll));
    });

    it('by id', async () => {
      const read = async (id: number) => {
        const found: Conversation = await get(`/api/conversations/${id}`);
        const members = [found.merged_into ?? id, ...found.merged_ids];
        expect(found.id).to.equal(id);
        expect(members).to.include(id);
        expect(found.message_count).to.equal(members.length);
      };
      await whileLinking(all.map((id) => () => read(id)));
    });
  });

  describe('409', () => {
    it('is answered for a link of a participant to itself', async () => {
      await text(ADA.phone, SHOP.phone);
      const { status, body } = await link('PUT', ADA.phone, ADA.phone);
      expect([status, body.code]).to.deep.equal([409, 'link_to_self']);
    });

    it('is answered for a link between two addresses of one person', async () => {
      for (const from of [ADA.phone, ADA.mobile, '+18045550003']) await text(from, SHOP.phone);
      await link('PUT', ADA.phone, ADA.mobile);
      await link('PUT', ADA.mobile, '+18045550003');
      const { status, body } = await link('PUT', ADA.phone, '+18045550003');
      expect([status, body.code]).to.deep.equal([409, 'already_linked']);
    });

    it('is answered for participants that share a conversation by any of their addresses', async () => {
      await text(ADA.phone, SHOP.phone);
      await text(ADA.mobile, '+18045550009');
      await link('PUT', ADA.phone, ADA.mobile);
      const { status, body } = await link('PUT', ADA.mobile, SHOP.phone);
      expect([status, body.code]).to.deep.equal([409, 'participants_share_conversation']);
      expect(body.detail).to.contain('conversation 1');
    });
  });

  it('have the response 404 to requests for an unknown participant or link', async () => {
    await text(ADA.phone, SHOP.phone);
    await text(ADA.mobile, SHOP.phone);
    expect((await service.request('PUT', '/api/participants/1/links/99')).status).to.equal(404);
    expect((await service.request('PUT', '/api/participants/99/links/99')).status).to.equal(404);
    expect((await service.request('GET', '/api/participants/99')).status).to.equal(404);
    expect((await link('DELETE', ADA.phone, ADA.mobile)).status).to.equal(404);
    expect((await service.request('PUT', '/api/participants/1/links/x')).status).to.equal(422);
  });

  it('have the same response to a repeated unlink', async () => {
    await text(ADA.phone, SHOP.phone);
    await text(ADA.mobile, SHOP.phone);
    await link('PUT', ADA.phone, ADA.mobile);
    const first = await link('DELETE', ADA.phone, ADA.mobile);
    const again = await link('DELETE', ADA.phone, ADA.mobile);
    expect([first.status, again.status]).to.deep.equal([200, 200]);
    expect(again.body).to.deep.equal(first.body);
  });

  it('can be linked and unlinked while messages arrive, and every message is stored', async () => {
    const phones = Array.from({ length: 6 }, (_, n) => `+1804555200${n}`);
    for (const phone of phones) await text(phone, SHOP.phone);
    let busy = true;
    const statuses = new Set<number>();
    const writers = phones.map(async (phone) => {
      for (let n = 0; n < 60; n++) {
        const { status } = await service.request('POST', '/api/webhooks/sms', {
          ...inboundSms,
          from: phone,
          to: SHOP.phone,
          messaging_provider_id: `b-${phone}-${n}`,
        });
        statuses.add(status);
      }
    });
    const linker = (async () => {
      for (let n = 0; busy; n++) {
        const [one, other] = [phones[n % 6] as string, phones[(n + 1) % 6] as string];
        expect((await link('PUT', one, other)).status).to.equal(200);
        expect((await link('DELETE', one, other)).status).to.equal(200);
      }
    })();
    await Promise.all(writers);
    busy = false;
    await linker;
    expect([...statuses]).to.deep.equal([200]);
    for (let n = 1; n < 6; n++) await link('PUT', phones[0] as string, phones[n] as string);
    expect(await conversation(6)).to.include({ merged_into: 1, message_count: 6 * 61 });
    const { data } = (await service.request('GET', '/api/conversations/1/messages?limit=200')).body;
    expect(data).to.have.length(200);
  });
});

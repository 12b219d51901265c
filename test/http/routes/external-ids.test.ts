import { expect } from 'chai';
import type { Conversation, Participant } from '../../../sdk/src/index.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const SHOP = '+12016661234';

describe('An external id and metadata', () => {
  let service: Harness;
  let customers = 0;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
  });
  after(() => service.stop());

  const call = async (method: string, path: string, body?: unknown) => {
    const response = await service.request(method, path, body);
    expect(response.status, JSON.stringify(response.body)).to.equal(200);
    return response.body;
  };
  const tryUpdate = (id: number, changes: object) =>
    service.request('PATCH', `/api/conversations/${id}`, changes);
  const update = (id: number, changes: object): Promise<Conversation> =>
    call('PATCH', `/api/conversations/${id}`, changes);
  const conversation = (id: number): Promise<Conversation> => call('GET', `/api/conversations/${id}`);
  const own = ({ external_id, metadata }: Conversation | Participant) => ({ external_id, metadata });
  const shown = async (...ids: number[]) => (await Promise.all(ids.map(conversation))).map(own);
  const find = async (list: 'conversations' | 'participants', query: string): Promise<number[]> =>
    (await call('GET', `/api/${list}?${query}`)).data.map(({ id }: { id: number }) => id);
  /** A conversation of the shop with a new customer. */
  const open = async () => {
    const address = `+1804557${String(++customers).padStart(4, '0')}`;
    const sent = await service.client.messages.send({ from: SHOP, to: address, body: 'Hi' });
    const [participant] = await find('participants', `address=${encodeURIComponent(address)}`);
    return { id: sent.conversation_id, participant: participant ?? 0, address };
  };
  type Opened = Awaited<ReturnType<typeof open>>;
  const link = (one: Opened, other: Opened, method = 'PUT') =>
    call(method, `/api/participants/${one.participant}/links/${other.participant}`);
  const fresh = { external_id: null, metadata: {} };

  describe('of a participant', () => {
    it('are null and empty at first, and each change keeps the other fields', async () => {
      const { participant } = await open();
      const change = async (changes: object) =>
        own(await call('PATCH', `/api/participants/${participant}`, changes));
      expect(own(await call('GET', `/api/participants/${participant}`))).to.deep.equal(fresh);
      expect(await change({ external_id: 'user-1', name: 'Ada' })).to.include({ external_id: 'user-1' });
      const metadata = { plan: 'gold', 'ключ"': 'значение\n' };
      expect(await change({ metadata })).to.deep.equal({ external_id: 'user-1', metadata });
      expect(await change({})).to.deep.equal({ external_id: 'user-1', metadata });
      expect(await change({ metadata: { plan: 'silver' } })).to.deep.equal({
        external_id: 'user-1',
        metadata: { plan: 'silver' },
      });
      expect(await change({ external_id: null, metadata: {} })).to.deep.equal(fresh);
      expect(await call('GET', `/api/participants/${participant}`)).to.include({ name: 'Ada' });
    });

    it('find all addresses of a user, page by page, and compare exactly', async () => {
      const addresses = [await open(), await open(), await open()];
      for (const { participant } of addresses)
        await call('PATCH', `/api/participants/${participant}`, { external_id: 'a user & more' });
      const query = `external_id=${encodeURIComponent('a user & more')}`;
      const ids = addresses.map(({ participant }) => participant);
      expect(await find('participants', query)).to.deep.equal(ids);
      const page = await call('GET', `/api/participants?${query}&limit=2`);
      expect(await find('participants', `${query}&limit=2&cursor=${page.next_cursor}`)).to.deep.equal(
        ids.slice(2),
      );
      expect(
        await find('participants', `${query.toUpperCase().replace('EXTERNAL_ID', 'external_id')}`),
      ).to.deep.equal([]);
      const of = (opened?: Opened) => `${query}&address=${encodeURIComponent(opened?.address ?? '')}`;
      expect(await find('participants', of(addresses[1]))).to.deep.equal([ids[1]]);
      expect(await find('participants', of(await open()))).to.deep.equal([]);
    });

    it('find the conversations of a user, also those of other addresses of the same person', async () => {
      const [one, two, linked, other] = [await open(), await open(), await open(), await open()];
      for (const { participant } of [one, two])
        await call('PATCH', `/api/participants/${participant}`, { external_id: 'user-2' });
      await call('PATCH', `/api/participants/${other.participant}`, { external_id: 'user-3' });
      await link(two, linked);
      const query = 'participant_external_id=user-2';
      expect(await find('conversations', `${query}&sort=id`)).to.deep.equal([one.id, two.id]);
      expect(
        await find('conversations', `${query}&participant=${encodeURIComponent(linked.address)}`),
      ).to.deep.equal([two.id]);
      // The user's address is in the merged conversation only.
      await call('PATCH', `/api/participants/${two.participant}`, { external_id: null });
      await call('PATCH', `/api/participants/${linked.participant}`, { external_id: 'user-4' });
      expect(await find('conversations', 'participant_external_id=user-4')).to.deep.equal([two.id]);
      expect(await find('conversations', 'participant_external_id=nobody')).to.deep.equal([]);
      const { participants } = await conversation(two.id);
      expect(participants.map(({ external_id }) => external_id)).to.deep.equal([null, null, 'user-4']);
    });
  });

  describe('of a conversation', () => {
    it('are null and empty at first, and each change keeps the other field', async () => {
      const { id } = await open();
      expect(await shown(id)).to.deep.equal([fresh]);
      expect(own(await update(id, { external_id: 'ticket-1' }))).to.deep.equal({
        ...fresh,
        external_id: 'ticket-1',
      });
      const both = { external_id: 'ticket-1', metadata: { team: 'returns' } };
      expect(own(await update(id, { metadata: { team: 'returns' } }))).to.deep.equal(both);
      expect(await update(id, both)).to.deep.equal(await update(id, {}));
      expect(await find('conversations', 'external_id=ticket-1')).to.deep.equal([id]);
      expect(await find('conversations', 'external_id=ticket-1&type=email')).to.deep.equal([]);
      expect(own(await update(id, { external_id: null, metadata: {} }))).to.deep.equal(fresh);
      expect(await find('conversations', 'external_id=ticket-1')).to.deep.equal([]);
    });

    it('belong to one conversation: an external id of another conversation is refused with 409', async () => {
      const [one, other] = [await open(), await open()];
      await update(one.id, { external_id: 'ticket-2' });
      const { status, body } = await tryUpdate(other.id, { external_id: 'ticket-2', metadata: { a: 'b' } });
      expect([status, body.code]).to.deep.equal([409, 'external_id_taken']);
      expect(await shown(other.id)).to.deep.equal([fresh]);
      await update(one.id, { external_id: null });
      await update(other.id, { external_id: 'ticket-2' });
      expect(await find('conversations', 'external_id=ticket-2')).to.deep.equal([other.id]);
    });

    it('belong to one conversation if several get the external id at the same time', async () => {
      const opened = await Promise.all(Array.from({ length: 12 }, open));
      for (let round = 0; round < 5; round++) {
        const external_id = `contested-${round}`;
        const answers = await Promise.all(opened.map(({ id }) => tryUpdate(id, { external_id })));
        const statuses = answers.map(({ status }) => status).sort();
        expect(statuses).to.deep.equal([200, ...Array(11).fill(409)]);
        const winner = opened[answers.findIndex(({ status }) => status === 200)]?.id;
        expect(await find('conversations', `external_id=${external_id}`)).to.deep.equal([winner]);
      }
    });

    it('are both stored if two requests change one field each at the same time', async () => {
      const { id } = await open();
      for (let round = 0; round < 10; round++) {
        const [external_id, metadata] = [`both-${round}`, { round: `${round}` }];
        await Promise.all([update(id, { external_id }), update(id, { metadata })]);
        expect(await shown(id)).to.deep.equal([{ external_id, metadata }]);
      }
    });

    for (const [title, changes, path] of [
      ['an empty external id', { external_id: '' }, '/body/external_id'],
      ['a long external id', { external_id: '𝄞'.repeat(256) }, '/body/external_id'],
      ['a control character', { external_id: 'a\nb' }, '/body/external_id'],
      ['a number', { external_id: 1 }, '/body/external_id'],
      ['null as metadata', { metadata: null }, '/body/metadata'],
      ['a number in metadata', { metadata: { a: 1 } }, '/body/metadata/a'],
      [
        'metadata with 51 pairs',
        { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, ''])) },
        '/body/metadata',
      ],
    ] as const)
      it(`are refused with 422 if they have ${title}, as those of a participant`, async () => {
        const { id, participant } = await open();
        for (const target of [`conversations/${id}`, `participants/${participant}`]) {
          const { status, body } = await service.request('PATCH', `/api/${target}`, changes);
          expect([status, body.errors?.[0]?.path]).to.deep.equal([422, path]);
        }
      });

    it('have at most 255 characters, which are found again', async () => {
      const { id } = await open();
      const external_id = '𝄞'.repeat(255);
      await update(id, { external_id });
      const found = await service.client.conversations.list({ external_id });
      expect(found.data.map((each) => each.id)).to.deep.equal([id]);
    });

    it('are 404 for a conversation that does not exist', async () => {
      const { status, body } = await tryUpdate(999_999, { external_id: 'ticket-3' });
      expect([status, body.code]).to.deep.equal([404, 'not_found']);
    });
  });

  describe('of linked participants’ conversations', () => {
    it('are those of the primary conversation, and separate again after the link is removed', async () => {
      const [one, two] = [await open(), await open()];
      const [first, second] = [
        { external_id: `ticket-${one.id}`, metadata: { a: '1' } },
        { external_id: `ticket-${two.id}`, metadata: { b: '2' } },
      ];
      await update(one.id, first);
      await update(two.id, second);
      await link(one, two);
      expect(await shown(one.id, two.id)).to.deep.equal([first, first]);
      const [listed] = (await service.client.conversations.list({ external_id: second.external_id })).data;
      expect(listed).to.deep.include({ id: one.id, ...first });
      await link(one, two, 'DELETE');
      expect(await shown(one.id, two.id)).to.deep.equal([first, second]);
    });

    it('come from the oldest merged conversation that has them, if the primary conversation has none', async () => {
      const [one, two, three] = [await open(), await open(), await open()];
      await update(two.id, { metadata: { b: '2' } });
      await update(three.id, { external_id: `ticket-${three.id}`, metadata: { c: '3' } });
      await link(one, two);
      await link(one, three);
      const merged = { external_id: `ticket-${three.id}`, metadata: { b: '2' } };
      expect(await shown(one.id, two.id, three.id)).to.deep.equal([merged, merged, merged]);
      expect(
        (await service.client.conversations.list({ limit: 200 })).data.find(({ id }) => id === one.id),
      ).to.deep.include(merged);
      await link(one, two, 'DELETE');
      expect(await shown(one.id, two.id)).to.deep.equal([
        { external_id: `ticket-${three.id}`, metadata: { c: '3' } },
        { external_id: null, metadata: { b: '2' } },
      ]);
      await link(one, three, 'DELETE');
      expect(await shown(one.id, three.id)).to.deep.equal([
        fresh,
        { external_id: `ticket-${three.id}`, metadata: { c: '3' } },
      ]);
    });

    it('are changed at the primary conversation', async () => {
      const [one, two] = [await open(), await open()];
      const before = { external_id: `ticket-${two.id}`, metadata: { b: '2' } };
      await update(two.id, before);
      await link(one, two);
      const change = { external_id: `ticket-${one.id}`, metadata: { a: '1' } };
      expect(await update(two.id, change)).to.deep.include({ id: two.id, merged_into: one.id, ...change });
      await link(one, two, 'DELETE');
      expect(await shown(one.id, two.id)).to.deep.equal([change, before]);
    });

    it('stay where they are if a request repeats them', async () => {
      const [one, two] = [await open(), await open()];
      const before = { external_id: `ticket-${two.id}`, metadata: { b: '2' } };
      await update(two.id, before);
      await link(one, two);
      expect(own(await update(one.id, before))).to.deep.equal(before);
      await link(one, two, 'DELETE');
      expect(await shown(one.id, two.id)).to.deep.equal([fresh, before]);
    });

    it('are removed from the merged conversations too', async () => {
      const [one, two] = [await open(), await open()];
      for (const { id } of [one, two])
        await update(id, { external_id: `ticket-${id}`, metadata: { a: `${id}` } });
      await link(one, two);
      expect(own(await update(one.id, { external_id: null, metadata: {} }))).to.deep.equal(fresh);
      await link(one, two, 'DELETE');
      expect(await shown(one.id, two.id)).to.deep.equal([fresh, fresh]);
    });

    it('keep the external id of a merged conversation, until the primary conversation gets it', async () => {
      const [one, two, other] = [await open(), await open(), await open()];
      for (const { id } of [one, two]) await update(id, { external_id: `ticket-${id}` });
      await link(one, two);
      const hidden = { external_id: `ticket-${two.id}` };
      expect((await tryUpdate(other.id, hidden)).body.code).to.equal('external_id_taken');
      expect(await update(one.id, hidden)).to.include(hidden);
      await link(one, two, 'DELETE');
      expect(await shown(one.id, two.id)).to.deep.equal([{ ...fresh, ...hidden }, fresh]);
    });

    it('are consistent if changes, links and their removal happen at the same time', async () => {
      const [one, two, other] = [await open(), await open(), await open()];
      const contested = { external_id: 'contested' };
      for (let round = 0; round < 8; round++) {
        const answers = await Promise.all([
          link(one, two, round % 2 ? 'DELETE' : 'PUT'),
          ...[one, two, other].map(({ id }) => tryUpdate(id, contested)),
          tryUpdate(two.id, { metadata: { round: `${round}` } }),
        ]);
        for (const { status = 200 } of answers) expect(status).to.be.oneOf([200, 409]);
        const [owner = 0] = await find('conversations', 'external_id=contested');
        expect(await conversation(owner)).to.include(contested);
        await update(owner, { external_id: null });
        expect(await find('conversations', 'external_id=contested')).to.deep.equal([]);
      }
    });
  });
});

import { expect } from 'chai';
import { type Client, createClient } from '../../sdk/src/index.ts';
import { email, mms, sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { all, rejection } from './support.ts';

const other = '+18045550000';

describe('The resources of the SDK', () => {
  let service: Harness;
  let client: Client;
  before(async () => {
    service = await startHarness();
    client = createClient({ baseUrl: `${service.url}/` });
  });
  after(() => service.stop());

  describe('messages', () => {
    it('are sent on each channel and can be read', async () => {
      const { type: _, ...byAddress } = sms;
      const sent = [];
      for (const body of [sms, mms, { ...email, type: 'email' as const, subject: 'Hi' }, email, byAddress])
        sent.push(await client.messages.send(body));
      expect(sent.map(({ type, status }) => `${type} ${status}`)).to.deep.equal([
        'sms queued',
        'mms queued',
        'email queued',
        'email queued',
        'sms queued',
      ]);
      const id = sent[2]?.id ?? 0;
      await service.untilStatus(id, 'delivered');
      expect(await client.messages.get(id)).to.include({ id, subject: 'Hi', status: 'delivered' });
    });

    it('are filtered by values that need escaping', async () => {
      const { id } = await client.messages.send({ ...sms, to: other, body: 'a & b = "c+d" 100%?' });
      const since = (await client.messages.get(id)).created_at;
      for (const filters of [{ participant: other }, { q: '"c+d"' }, { q: '& 100%?' }, { since }]) {
        const { data } = await client.messages.list(filters);
        expect(
          data.map((message) => message.id),
          JSON.stringify(filters),
        ).to.deep.equal([id]);
      }
    });

    it('are previewed without being sent', async () => {
      const preview = await client.messages.preview({ ...sms, body: 'It’s here' });
      expect(preview).to.deep.include({ valid: true, errors: [], type: 'sms', to: [sms.to] });
      expect(preview.text?.non_gsm_characters[0]).to.deep.include({ character: '’', replacement: "'" });
      expect((await client.messages.list({ q: 'here' })).data).to.deep.equal([]);
    });

    it('have attempts and a timeline', async () => {
      const { id } = await client.messages.send(sms);
      await service.untilStatus(id, 'delivered');
      const page = await client.messages.attempts(id);
      expect(page.data.map(({ number, outcome }) => [number, outcome])).to.deep.equal([[1, 'accepted']]);
      expect(await all(client.messages.attempts(id, { limit: 1 }))).to.deep.equal(page.data);
      const types = (await all(client.messages.timeline(id, { limit: 1 }))).map(({ type }) => type);
      expect(types).to.include.members(['status', 'attempt', 'receipt']);
    });
  });

  describe('lists', () => {
    let ids: number[];
    const to = '+18045559999';
    before(async () => {
      ids = [];
      for (let count = 0; count < 5; count++) ids.unshift((await client.messages.send({ ...sms, to })).id);
    });

    it('iterate over all pages', async () => {
      for (const limit of [1, 2, 5, 200]) {
        const messages = await all(client.messages.list({ participant: to, limit }));
        expect(messages.map(({ id }) => id)).to.deep.equal(ids);
      }
    });

    it('resolve to a page with its next page', async () => {
      const first = await client.messages.list({ participant: to, limit: 3 });
      expect(first.data.map(({ id }) => id)).to.deep.equal(ids.slice(0, 3));
      const second = await first.nextPage();
      expect(second?.data.map(({ id }) => id)).to.deep.equal(ids.slice(3));
      expect(second?.next_cursor).to.equal(null);
      expect(await second?.nextPage()).to.equal(null);
      expect((await all(first)).map(({ id }) => id)).to.deep.equal(ids);
      expect(Object.keys(first)).to.have.members(['data', 'next_cursor']);
    });

    it('continue from a stored cursor', async () => {
      const { next_cursor } = await client.messages.list({ participant: to, limit: 2 });
      const rest = await all(client.messages.list({ participant: to, limit: 2, cursor: next_cursor ?? '' }));
      expect(rest.map(({ id }) => id)).to.deep.equal(ids.slice(2));
    });

    it('fetch each page once and on demand', async () => {
      const asked: string[] = [];
      const counting = createClient({
        baseUrl: service.url,
        fetch: (request) => {
          asked.push(request.url);
          return fetch(request);
        },
      });
      const list = counting.messages.list({ participant: to, limit: 2 });
      expect(asked).to.have.length(0);
      for await (const { id } of list) if (id === ids[2]) break;
      expect(asked).to.have.length(2);
      await list;
      expect(asked).to.have.length(2);
      expect(await Promise.all([list, list.finally(() => {})])).to.have.length(2);
      expect(asked).to.have.length(2);
    });

    it('reject like promises', async () => {
      const faulty = () => client.messages.list({ limit: 0 });
      expect(await faulty().catch((error) => error.name)).to.equal('InvalidRequestError');
      expect(await rejection(all(faulty()))).to.include({ name: 'InvalidRequestError' });
    });
  });

  describe('conversations', () => {
    it('are filtered by several participants and read in both orders', async () => {
      const [to, body] = ['+18045558888', 'in order'];
      const first = await client.messages.send({ ...sms, to, body });
      const second = await client.messages.send({ ...sms, to, body });
      const id = first.conversation_id;
      const found = await all(client.conversations.list({ participant: [sms.from, to], type: 'sms' }));
      expect(found.map((conversation) => conversation.id)).to.deep.equal([id]);
      expect(await client.conversations.get(id)).to.deep.equal(found[0]);
      const read = async (filters: object) =>
        (await all(client.conversations.messages(id, { limit: 1, ...filters }))).map((message) => message.id);
      expect(await read({})).to.deep.equal([first.id, second.id]);
      expect(await read({ order: 'desc' })).to.deep.equal([second.id, first.id]);
      expect(await read({ after_id: first.id })).to.deep.equal([second.id]);
    });
  });

  describe('participants', () => {
    it('and conversations are found by external ids', async () => {
      const { conversation_id } = await client.messages.send({ ...sms, to: '+18045557003' });
      const [found] = (await client.participants.list({ address: '+18045557003' })).data;
      const ada = await client.participants.update(found?.id ?? 0, { external_id: 'user & 1842' });
      expect(await all(client.participants.list({ external_id: 'user & 1842' }))).to.deep.equal([
        await client.participants.get(ada.id),
      ]);
      const changes = { external_id: 'ticket-77', metadata: { team: 'returns' } };
      expect(await client.conversations.update(conversation_id, changes)).to.deep.include(changes);
      for (const filters of [{ external_id: 'ticket-77' }, { participant_external_id: 'user & 1842' }])
        expect((await all(client.conversations.list(filters))).map(({ id }) => id)).to.deep.equal([
          conversation_id,
        ]);
      const { conversation_id: other } = await client.messages.send({ ...sms, to: '+18045557004' });
      expect(await rejection(client.conversations.update(other, changes))).to.include({
        name: 'ConflictError',
        code: 'external_id_taken',
      });
    });

    it('are found by address, renamed, linked and unlinked', async () => {
      const addresses = ['+18045557001', '+18045557002'];
      for (const to of addresses) await client.messages.send({ ...sms, to });
      const [one, two] = await Promise.all(
        addresses.map(async (address) => (await client.participants.list({ address })).data[0]?.id ?? 0),
      );
      if (!one || !two) throw new Error('They are not found');
      expect(await client.participants.update(one, { name: 'Ada' })).to.include({ id: one, name: 'Ada' });
      expect(await client.participants.get(one)).to.include({ name: 'Ada' });
      expect(await client.participants.update(one, { name: null })).to.include({ name: null });
      expect((await client.participants.link(two, one)).person_id).to.equal(one);
      expect((await client.participants.unlink(one, two)).links[0]?.unlinked_at).to.be.a('string');
      expect((await client.participants.get(two)).person_id).to.equal(two);
    });
  });

  it('include a raw client for all other operations', async () => {
    expect((await client.raw.GET('/healthz')).data).to.deep.equal({ status: 'ok' });
    const { data } = await client.raw.GET('/metrics', { parseAs: 'text' });
    expect(data).to.contain('messaging_messages_recorded_total');
  });
});

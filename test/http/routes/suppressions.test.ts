import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import { sms } from '../../support/bodies.ts';
import { deleteRows, query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { keepLog } from '../../support/log.ts';
import { until } from '../../support/until.ts';

const KEYS = { API_KEYS: 'support:a-key-of-support-000000000000,other:a-key-of-others-0000000000000' };
const SUPPORT = { authorization: 'Bearer a-key-of-support-000000000000' };
const OTHER = { authorization: 'Bearer a-key-of-others-0000000000000' };
const ADDRESS = '+18045551234';
const PATH = `/api/suppressions/${encodeURIComponent(ADDRESS)}`;

describe('The ledger of suppressions', () => {
  let service: Harness;
  const log = keepLog();
  before(async () => {
    service = await startHarness(KEYS, log.logger);
  });
  beforeEach(() =>
    deleteRows(service.databaseUrl, 'suppression_changes', 'suppressions', 'event_inbox', 'events'),
  );
  after(() => service.stop());

  const request = (method: string, path: string, body?: unknown, headers = SUPPORT) =>
    service.request(method, path, body, headers);
  const put = (path: string, body: object = {}, headers = SUPPORT) => request('PUT', path, body, headers);
  const list = async (filters = ''): Promise<Schema<'Suppression'>[]> =>
    (await request('GET', `/api/suppressions${filters}`)).body.data;
  const history = async (path = PATH): Promise<Schema<'SuppressionChange'>[]> =>
    (await request('GET', `${path}/history`)).body.data;

  describe('PUT /api/suppressions/{address}', () => {
    it('makes an entry for everything by default, with the actor and the note', async () => {
      const { status, body } = await put(PATH, { note: 'by phone' });
      expect(status).to.equal(201);
      const { id, created_at, updated_at, ...entry } = body;
      expect(entry).to.deep.equal({
        ...{ address: ADDRESS, channel: 'sms', scope: 'all', sender: null },
        ...{ reason: 'manual', reasons: ['manual'], message_id: null, receipt: null, account: null },
        ...{ actor: 'support', note: 'by phone' },
      });
      expect(Date.parse(created_at)).to.equal(Date.parse(updated_at));
      expect(await list()).to.deep.equal([body]);
      expect(id).to.be.a('number');
    });

    it('stops messages from a sender id in any case', async () => {
      const { status, body } = await put(PATH, { scope: 'sender', sender: 'Acme' });
      expect([status, body.sender]).to.deep.equal([201, 'acme']);
      expect((await put(PATH, { scope: 'sender', sender: 'ACME' })).status).to.equal(200);
      for (const from of ['Acme', 'ACME', 'acme']) {
        const sent = await request('POST', '/api/messages/sms', { ...sms, from, to: ADDRESS });
        expect([sent.status, sent.body.code]).to.deep.equal([422, 'recipient_suppressed']);
      }
      expect(await list('?sender=aCME')).to.deep.equal([body]);
      expect((await request('DELETE', `${PATH}?scope=sender&sender=ACME`)).status).to.equal(204);
    });

    it('refuses a number that is cut off, to which no message can be sent', async () => {
      for (const address of ['+1804', '*123']) {
        const { status, body } = await put(`/api/suppressions/${encodeURIComponent(address)}`);
        expect([status, body.errors?.[0]?.path], address).to.deep.equal([422, '/path/address']);
      }
    });

    it('changes nothing when it is repeated, also by another key', async () => {
      const first = await put(PATH, { note: 'by phone' });
      const again = await put(PATH, {}, OTHER);
      expect([again.status, again.body]).to.deep.equal([200, first.body]);
      expect(await history()).to.have.length(1);
    });

    it('adds a reason to an entry, and shows the source of the strongest', async () => {
      await put(PATH, { reason: 'unsubscribe', note: 'by link' });
      const { status, body } = await put(PATH, { reason: 'complaint' }, OTHER);
      expect(status).to.equal(200);
      expect(body).to.include({ reason: 'complaint', actor: 'other' });
      expect(body.reasons).to.deep.equal(['complaint', 'unsubscribe']);
    });

    it('shows the note of the strongest reason only, not that of another reason', async () => {
      await put(PATH, { note: 'by phone' });
      const { body } = await put(PATH, { reason: 'stop_keyword' });
      expect([body.reasons, body.note]).to.deep.equal([['stop_keyword', 'manual'], null]);
      expect((await history()).at(-1)).to.include({ reason: 'manual', note: 'by phone' });
    });

    it('replaces the note of the strongest reason only', async () => {
      await put(PATH, { reason: 'complaint', note: 'first' });
      expect((await put(PATH, { reason: 'complaint', note: 'second' })).body.note).to.equal('second');
      await put(PATH, { reason: 'unsubscribe' });
      for (let n = 0; n < 2; n++)
        expect((await put(PATH, { reason: 'unsubscribe', note: 'weaker' })).body.note).to.equal('second');
      expect(await history(), 'a repetition is no change').to.have.length(3);
    });

    it('makes one entry of racing requests, and one of them gets 201', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => put(PATH)));
      expect(answers.filter(({ status }) => status === 201)).to.have.length(1);
      expect(answers.filter(({ status }) => status === 200)).to.have.length(19);
      expect(new Set(answers.map(({ body }) => body.id))).to.have.length(1);
      expect(await history()).to.have.length(1);
    });

    it('keeps an entry for each scope and sender', async () => {
      await put(PATH);
      await put(PATH, { scope: 'channel' });
      for (const sender of ['+12016661234', '(201) 666-5678', '+1 201 666 1234'])
        await put(PATH, { scope: 'sender', sender });
      expect((await list()).map(({ scope, sender }) => [scope, sender])).to.deep.equal([
        ['sender', '+12016665678'],
        ['sender', '+12016661234'],
        ['channel', null],
        ['all', null],
      ]);
    });

    it('normalises the address in the path, in any notation', async () => {
      const notations = ['(804) 555-1234', '1-804-555-1234', 'tel:+1-804-555-1234'];
      for (const notation of notations) await put(`/api/suppressions/${encodeURIComponent(notation)}`);
      await put('/api/suppressions/+18045551234');
      await put(`/api/suppressions/${encodeURIComponent('Ada <Ada@EXAMPLE.com>')}`);
      expect((await list()).map(({ address, channel }) => [address, channel])).to.deep.equal([
        ['ada@example.com', 'email'],
        [ADDRESS, 'sms'],
      ]);
    });

    for (const [what, path, body, errors] of [
      ['a path without an address', '/api/suppressions/nobody%20at%20all', {}, ['/path/address']],
      ['a name that can only send', '/api/suppressions/ACME', {}, ['/path/address']],
      ['an unknown reason', PATH, { reason: 'because' }, ['/body/reason']],
      ['a scope sender without a sender', PATH, { scope: 'sender' }, ['/body/sender']],
      ['a sender with another scope', PATH, { sender: '+12016661234' }, ['/body/sender']],
      ['a sender of another channel', PATH, { scope: 'sender', sender: 'a@example.com' }, ['/body/sender']],
      ['an unknown field', PATH, { until: 'tomorrow' }, ['/body/until']],
      ['a long note', PATH, { note: 'x'.repeat(501) }, ['/body/note']],
      ['a NUL character', PATH, { note: 'a\0b' }, ['/body/note']],
    ] as const)
      it(`refuses ${what} with 422`, async () => {
        const answer = await put(path, body);
        expect(answer.status).to.equal(422);
        expect(answer.body.errors.map((error: { path: string }) => error.path)).to.deep.equal(errors);
        expect(await list()).to.deep.equal([]);
      });
  });

  describe('DELETE /api/suppressions/{address}', () => {
    it('removes the entry with this scope and sender only, and responds 404 after that', async () => {
      const sender = '+12016661234';
      await put(PATH);
      await put(PATH, { scope: 'channel' });
      await put(PATH, { scope: 'sender', sender });
      const remove = (filters: string) => request('DELETE', `${PATH}?${filters}`);
      expect((await remove('scope=all')).status).to.equal(204);
      expect((await list()).map(({ scope }) => scope)).to.deep.equal(['sender', 'channel']);
      expect((await remove('scope=all')).status).to.equal(404);
      expect((await remove(`scope=sender&sender=${encodeURIComponent('(201) 666-1234')}`)).status).to.equal(
        204,
      );
      expect((await remove('scope=channel')).status).to.equal(204);
      expect(await list()).to.deep.equal([]);
    });

    it('requires a scope, and a sender with the scope sender only', async () => {
      const remove = async (filters: string) => {
        const { status, body } = await request('DELETE', PATH + filters);
        return [status, body.errors[0].path];
      };
      expect(await remove('')).to.deep.equal([422, '/query/scope']);
      expect(await remove('?scope=sender')).to.deep.equal([422, '/query/sender']);
      expect(await remove('?scope=all&sender=12345')).to.deep.equal([422, '/query/sender']);
    });

    it('makes an entry again with a new id', async () => {
      const { body: first } = await put(PATH);
      await request('DELETE', `${PATH}?scope=all`);
      const { status, body } = await put(PATH);
      expect(status).to.equal(201);
      expect(body.id).to.be.above(first.id);
    });
  });

  describe('GET /api/suppressions/{address}/history', () => {
    it('has every change of the address, the newest first, also of a removed entry', async () => {
      await put(PATH, { reason: 'unsubscribe', note: 'by link' });
      await put(PATH, { reason: 'complaint' }, OTHER);
      await request('DELETE', `${PATH}?scope=all`);
      await put('/api/suppressions/ada%40example.com');
      const changes = await history('/api/suppressions/1-804-555-1234');
      expect(
        changes.map(({ change, reason, reasons, actor, note }) => [change, reason, reasons, actor, note]),
      ).to.deep.equal([
        ['removed', 'unsubscribe', [], 'support', null],
        ['removed', 'complaint', [], 'support', null],
        ['added', 'complaint', ['complaint', 'unsubscribe'], 'other', null],
        ['added', 'unsubscribe', ['unsubscribe'], 'support', 'by link'],
      ]);
    });

    it('stays for an address that was erased, which the client knows', async () => {
      await put(PATH);
      await query(service.databaseUrl, 'update suppressions set address = null');
      await query(service.databaseUrl, 'update suppression_changes set address = null');
      expect((await history()).map(({ address }) => address)).to.deep.equal([null]);
      expect(
        (await list(`?address=${encodeURIComponent(ADDRESS)}`)).map(({ address }) => address),
      ).to.deep.equal([null]);
    });

    it('continues by its cursor, and is empty for another address', async () => {
      for (const reason of ['manual', 'unsubscribe', 'complaint']) await put(PATH, { reason });
      const first = await request('GET', `${PATH}/history?limit=2`);
      const second = await request('GET', `${PATH}/history?limit=2&cursor=${first.body.next_cursor}`);
      expect([...first.body.data, ...second.body.data]).to.deep.equal(await history());
      expect(second.body.next_cursor).to.equal(null);
      const other = '/api/suppressions/18045559999/history';
      expect((await request('GET', other)).body).to.deep.equal({ data: [], next_cursor: null });
      const wrong = await request('GET', `${other}?cursor=${first.body.next_cursor}`);
      expect(wrong.status, 'the cursor of another address').to.equal(422);
    });
  });

  describe('GET /api/suppressions', () => {
    it('has the receipt and the message that caused an entry', async () => {
      const { body: message } = await request('POST', '/api/messages/sms', { ...sms, to: ADDRESS });
      const receiptId = await until(async () => {
        const rows = await query<{ id: number }>(
          service.databaseUrl,
          `select id from delivery_receipts where message_id = ${message.id} and status = 'delivered'`,
        );
        return rows[0]?.id;
      }, 'a receipt');
      await put(PATH);
      await query(
        service.databaseUrl,
        'update suppressions set message_id = $1, receipt_id = $2, account = $3',
        [...[message.id, receiptId, 'text-co']],
      );
      const [entry] = await list();
      expect(entry).to.include({ message_id: message.id, account: 'text-co' });
      expect(entry?.receipt).to.include({ status: 'delivered' });
      expect((await put(PATH)).body).to.deep.equal(entry);
    });

    it('filters by address, channel, scope, sender and reason, alone and together', async () => {
      const sender = '+12016661234';
      await put(PATH, { reason: 'stop_keyword', scope: 'channel' });
      await put(PATH, { scope: 'sender', sender });
      await put('/api/suppressions/ada%40example.com', { reason: 'hard_bounce' });
      await put('/api/suppressions/ada%40example.com', { scope: 'sender', sender: 'shop@example.com' });
      await put('/api/suppressions/18045550000', { scope: 'sender', sender, reason: 'complaint' });
      const ids = (await list()).map(({ id }) => id);
      expect(ids)
        .to.deep.equal(ids.toSorted((one, other) => other - one))
        .and.have.lengthOf(5);
      /** The entries by the order in which they were made, from 1. */
      const found = async (filters: string) => (await list(filters)).map(({ id }) => 5 - ids.indexOf(id));
      expect(await found('?address=%2B1%20804%20555%201234')).to.deep.equal([2, 1]);
      expect(await found('?address=+18045551234&reason=manual')).to.deep.equal([2]);
      expect(await found('?address=18045551234&channel=email')).to.deep.equal([]);
      expect(await found('?channel=email')).to.deep.equal([4, 3]);
      expect(await found('?scope=sender')).to.deep.equal([5, 4, 2]);
      expect(await found('?sender=(201)%20666-1234')).to.deep.equal([5, 2]);
      expect(await found(`?sender=12016661234&reason=complaint`)).to.deep.equal([5]);
      expect(await found('?sender=12016661234&scope=all')).to.deep.equal([]);
      expect(await found('?reason=manual')).to.deep.equal([4, 2]);
      expect(await found('?reason=manual&channel=sms&scope=sender')).to.deep.equal([2]);
      await put('/api/suppressions/ada%2Bnews%40example.com', {
        scope: 'sender',
        sender: 'shop+eu@example.com',
      });
      expect(await found('?address=ada+news@example.com')).to.deep.equal([6]);
      expect(await found('?sender=shop+eu@example.com')).to.deep.equal([6]);
      const spaced = '/api/suppressions/ada%20news%40example.com?scope=sender&sender=shop+eu@example.com';
      expect((await request('DELETE', spaced)).body.errors).to.deep.include({
        path: '/path/address',
        message: 'must be exactly one phone number, short code or email address',
      });
      const exact = '/api/suppressions/ada+news%40example.com?scope=sender&sender=shop+eu@example.com';
      expect((await request('DELETE', exact)).status).to.equal(204);
      expect((await request('GET', '/api/suppressions?address=nobody%20at%20all')).status).to.equal(422);
      expect((await request('GET', '/api/suppressions?reason=because')).status).to.equal(422);
    });

    it('continues by its cursor for each filter, without a repeat or a gap', async () => {
      for (let n = 0; n < 7; n++) {
        await put(`/api/suppressions/1804555000${n}`, { reason: n % 2 ? 'manual' : 'complaint' });
        await put(`/api/suppressions/a${n}%40example.com`, { scope: 'channel' });
      }
      for (const filters of [
        '',
        '&channel=sms',
        '&reason=manual',
        '&scope=channel',
        '&channel=sms&reason=complaint',
      ]) {
        const walked: Schema<'Suppression'>[] = [];
        let cursor: string | null = '';
        while (cursor !== null) {
          const path: string = `/api/suppressions?limit=2${filters}${cursor && `&cursor=${cursor}`}`;
          const { body } = await request('GET', path);
          walked.push(...body.data);
          cursor = body.next_cursor;
        }
        expect(walked).to.deep.equal(await list(`?limit=200${filters}`));
      }
    });
  });

  it('writes an event for each reason that is added or removed, with the change', async () => {
    await put(PATH, { reason: 'unsubscribe' });
    await put(PATH, { reason: 'unsubscribe' });
    await put(PATH, { reason: 'manual', note: 'by phone' });
    await request('DELETE', `${PATH}?scope=all`);
    const events = await until(async () => {
      const { body } = await request('GET', '/api/events?type=suppression.added&type=suppression.removed');
      return body.data.length === 4 && (body.data as Schema<'SuppressionEvent'>[]);
    }, 'four events');
    expect(events.map(({ type, data }) => [type, data.reason])).to.deep.equal([
      ['suppression.added', 'unsubscribe'],
      ['suppression.added', 'manual'],
      ['suppression.removed', 'manual'],
      ['suppression.removed', 'unsubscribe'],
    ]);
    expect(events.map(({ data }) => data)).to.deep.equal((await history()).reverse());
  });

  describe('A log line', () => {
    it('has no address', async () => {
      const lines = log
        .of('request completed')
        .map(({ request: logged }) => (logged as { path: string }).path);
      expect(lines).to.include.members([
        ...['/api/suppressions', '/api/suppressions/{address}', '/api/suppressions/{address}/history'],
      ]);
      expect(JSON.stringify(log.lines)).not.to.match(/804\D*555\D*1234|ada(@|%40)/i);
    });
  });
});

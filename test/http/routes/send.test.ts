import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import { email, mms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('Sending a message', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  describe('202', () => {
    it('returns a queued message with its location', async () => {
      const { status, headers, body } = await service.request('POST', '/api/messages/sms', sms);
      expect(status).to.equal(202);
      expect(headers.get('location')).to.equal(`/api/messages/${body.id}`);
      expect(body).to.include({
        direction: 'outbound',
        type: 'sms',
        from: sms.from,
        status: 'queued',
        segments: 1,
        provider: null,
      });
      expect(body.to).to.deep.equal([sms.to]);
      expect(body.timestamp).to.equal('2024-11-01T14:00:00.000Z');
    });

    it('returns the message in the same form as later reads', async () => {
      const { body } = await service.request('POST', '/api/messages/email', {
        ...email,
        subject: 'Hi',
        cc: ['C@X.org'],
        metadata: { a: 'b' },
      });
      const sent = await service.untilStatus(body.id, 'delivered');
      const changed = ['status', 'recipients', 'provider', 'provider_message_id', 'updated_at'];
      const unchanged = (message: object) =>
        Object.fromEntries(Object.entries(message).filter(([key]) => !changed.includes(key)));
      expect(unchanged(sent)).to.deep.equal(unchanged(body));
      expect(sent.cc).to.deep.equal(['c@x.org']);
      const addresses = ({ recipients = [] }: Partial<Schema<'Message'>>) =>
        recipients.map(({ address }) => address);
      expect(addresses(sent)).to.have.lengthOf(2).and.deep.equal(addresses(body));
    });

    it('selects the channel by the addresses if no type is given', async () => {
      const { type: _type, ...untyped } = sms;
      const types = [];
      for (const body of [
        untyped,
        { ...untyped, attachments: mms.attachments },
        { ...untyped, to: [sms.to, '+18045550000'] },
        email,
      ]) {
        types.push((await service.request('POST', '/api/messages/send', body)).body.type);
      }
      expect(types).to.deep.equal(['sms', 'mms', 'mms', 'email']);
    });

    it("accepts the same bodies on the common path and on the channel's path", async () => {
      for (const [path, body] of [
        ['send', sms],
        ['send', mms],
        ['sms', mms],
        ['send', email],
        ['email', { ...email, type: 'email' }],
      ] as const) {
        expect((await service.request('POST', `/api/messages/${path}`, body)).status, path).to.equal(202);
      }
    });

    it('removes repeated recipients and keeps the sender as a recipient', async () => {
      const to = ['b@x.org', 'B@x.org', 'Ann <a@x.org>', 'c@x.org'];
      const { body } = await service.request('POST', '/api/messages/email', {
        from: 'a@x.org',
        to,
        body: 'hi',
      });
      expect(body.to).to.deep.equal(['b@x.org', 'a@x.org', 'c@x.org']);
    });

    for (const field of ['to', 'cc', 'bcc'] as const)
      it(`sends a copy of an email to its sender in ${field}, and adds it to the same conversation`, async () => {
        const mail = { from: 'seller@x.org', to: ['buyer@x.org'], body: 'hi' };
        const first = await service.request('POST', '/api/messages/email', mail);
        const copies = { [field]: field === 'to' ? [...mail.to, mail.from] : [mail.from] };
        const { body } = await service.request('POST', '/api/messages/email', { ...mail, ...copies });
        expect(body).to.deep.include({ ...copies, conversation_id: first.body.conversation_id });
        const { provider_message_id } = await service.untilStatus(body.id, 'delivered');
        const sent = (await service.accepted()).find(({ id }) => id === provider_message_id);
        expect(sent?.request).to.deep.include(copies);
      });

    it('refuses a group message to its sender, and accepts a text to its sender alone', async () => {
      const group = { from: sms.from, to: [sms.to, sms.from], body: 'hi' };
      for (const path of ['/api/messages/sms', '/api/messages/send']) {
        const { status, body } = await service.request('POST', path, group);
        expect([status, body.errors]).to.deep.equal([
          422,
          [{ path: '/body/to', message: 'must not include the sender of a group message' }],
        ]);
        expect((await service.request('POST', path, { ...group, to: sms.from })).status).to.equal(202);
      }
    });

    it('adds the message to the conversation of its visible recipients, without the blind copies', async () => {
      const mail = { from: 'seller@x.org', to: 'buyer@x.org', body: 'hi' };
      const first = await service.request('POST', '/api/messages/email', mail);
      const copied = await service.request('POST', '/api/messages/email', { ...mail, bcc: ['crm@x.org'] });
      expect(copied.body).to.include({ conversation_id: first.body.conversation_id });
      expect(copied.body.bcc).to.deep.equal(['crm@x.org']);
    });

    it('removes addresses that are repeated in to, cc or bcc', async () => {
      const { body } = await service.request('POST', '/api/messages/email', {
        from: 'a@x.org',
        to: ['b@x.org'],
        cc: ['B@x.org', 'c@x.org'],
        bcc: ['c@x.org', 'd@x.org'],
        body: 'hi',
      });
      expect(body).to.deep.include({ to: ['b@x.org'], cc: ['c@x.org'], bcc: ['d@x.org'] });
      const { participants } = (await service.request('GET', `/api/conversations/${body.conversation_id}`))
        .body;
      expect(participants.map(({ address }: { address: string }) => address)).to.have.members([
        'a@x.org',
        'b@x.org',
        'c@x.org',
      ]);
      const finds = async (q: string) =>
        (await service.request('GET', `/api/messages?q=${q}`)).body.data.some(
          ({ id }: { id: number }) => id === body.id,
        );
      expect([await finds('c@x.org'), await finds('d@x.org')], 'found by cc and bcc').to.deep.equal([
        true,
        true,
      ]);
      const self = await service.request('POST', '/api/messages/email', {
        from: 'a@x.org',
        to: 'A@x.org',
        cc: ['b@x.org'],
        body: 'a note',
      });
      expect(self.body).to.deep.include({ to: ['a@x.org'], cc: ['b@x.org'] });
    });

    it('does not send a scheduled message before its time', async () => {
      const send_at = new Date(Date.now() + 700).toISOString();
      const { body } = await service.request('POST', '/api/messages/sms', {
        ...sms,
        to: '+18045557777',
        send_at,
      });
      expect(body).to.include({ status: 'scheduled', send_at });
      const sent = await service.untilStatus(body.id, 'delivered');
      const [attempt] = (await service.request('GET', `/api/messages/${body.id}/attempts`)).body.data;
      expect(attempt.started_at >= send_at).to.equal(true);
      expect(sent.send_at).to.equal(send_at);
    });

    it('counts the segments of a text message', async () => {
      const bodies = ['a'.repeat(160), 'a'.repeat(161), '€'.repeat(81), '😀'.repeat(36)];
      const segments = [];
      for (const body of bodies)
        segments.push((await service.request('POST', '/api/messages/sms', { ...sms, body })).body.segments);
      expect(segments).to.deep.equal([1, 2, 2, 2]);
    });
  });

  describe('Idempotency-Key', () => {
    const keyed = (key: string, body: object = sms) =>
      service.request('POST', '/api/messages/sms', body, { 'idempotency-key': key });

    it('creates one message from twenty concurrent requests', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => keyed('race')));
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(20).fill(202));
      expect(new Set(answers.map(({ body }) => body.id)).size).to.equal(1);
      expect(answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')).to.have.length(
        19,
      );
      expect(
        await query(service.databaseUrl, `select from idempotency_keys where key = 'race'`),
      ).to.have.length(1);
    });

    it('returns the first response after the status of the message has changed', async () => {
      const first = await keyed('again');
      await service.untilStatus(first.body.id, 'delivered');
      const second = await keyed('again', { ...Object.fromEntries(Object.entries(sms).reverse()) });
      expect(second.body).to.deep.equal(first.body);
      expect(second.headers.get('location')).to.equal(first.headers.get('location'));
    });

    it('refuses another body with 422', async () => {
      await keyed('taken');
      const { status, body } = await keyed('taken', { ...sms, body: 'another' });
      expect(status).to.equal(422);
      expect(body.code).to.equal('idempotency_key_reused');
    });

    it('creates no conversation for a refused body with another recipient', async () => {
      const conversations = async () => (await service.request('GET', '/api/conversations')).body.data;
      await keyed('elsewhere');
      const before = await conversations();
      const to = '+18045550077';
      expect((await keyed('elsewhere', { ...sms, to })).status).to.equal(422);
      expect(await conversations()).to.deep.equal(before);
      // A conversation is created with its first message.
      expect((await keyed('for it', { ...sms, to })).status).to.equal(202);
      expect(await conversations()).to.have.length(before.length + 1);
    });

    it('refuses only the reused key among concurrent requests', async () => {
      const answers = await Promise.all([
        keyed('mixed', { ...sms, body: 'one' }),
        keyed('mixed', { ...sms, body: 'two' }),
      ]);
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([202, 422]);
    });

    it('sends the next message after a concurrent repeated request', async () => {
      const to = '+18045550042';
      const first = await keyed('ahead', { ...sms, to });
      await service.untilStatus(first.body.id, 'delivered');
      const [, next] = await Promise.all([
        keyed('ahead', { ...sms, to }),
        keyed('behind', { ...sms, to, body: 'next' }),
      ]);
      await service.untilStatus(next.body.id, 'delivered');
    });

    it('refuses a key that is empty, too long or not printable', async () => {
      for (const key of ['', 'k'.repeat(256), 'ké']) {
        const { status, body } = await keyed(key);
        expect(status, key).to.equal(422);
        expect(body.errors[0].path.toLowerCase()).to.equal('/headers/idempotency-key');
      }
    });
  });
});

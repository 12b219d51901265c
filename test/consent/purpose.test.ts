import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';
import { inboundBody } from '../support/webhooks.ts';

describe('The purpose of a message', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('is that of the request, by default conversational, in the first response and in each later one', async () => {
    for (const [purpose, body] of [
      ['conversational', sms],
      ['transactional', { ...sms, purpose: 'transactional' }],
      ['marketing', { ...sms, purpose: 'marketing' }],
    ] as const) {
      const headers = { 'idempotency-key': purpose };
      const [first, repeat] = [
        await service.request('POST', '/api/messages/sms', body, headers),
        await service.request('POST', '/api/messages/sms', body, headers),
      ];
      expect([first.status, first.body.purpose]).to.deep.equal([202, purpose]);
      expect(repeat.body).to.deep.equal(first.body);
      expect((await service.request('GET', `/api/messages/${first.body.id}`)).body.purpose).to.equal(purpose);
    }
  });

  it('is null for an inbound message', async () => {
    await service.request('POST', '/api/webhooks/sms', inboundBody('purpose-1'));
    const { body } = await service.request('GET', '/api/messages?direction=inbound');
    expect(body.data[0].purpose).to.equal(null);
  });

  it('cannot be that of an automatic reply in a request', async () => {
    const { status, body } = await service.request('POST', '/api/messages/sms', {
      ...sms,
      purpose: 'consent',
    });
    expect([status, body.errors[0].path]).to.deep.equal([422, '/body/purpose']);
  });

  it('is conversational for a message that has none in the database', async () => {
    const { body } = await service.request('POST', '/api/messages/sms', sms);
    await query(service.databaseUrl, 'update messages set purpose = null where id = $1', [body.id]);
    expect((await service.request('GET', `/api/messages/${body.id}`)).body.purpose).to.equal(
      'conversational',
    );
  });

  it('does not change the hash by which a repeat of an earlier request is recognised', async () => {
    const { body } = await service.request('POST', '/api/messages/sms', sms, {
      'idempotency-key': 'earlier',
    });
    const sorted = Object.fromEntries(Object.entries(sms).sort(([a], [b]) => (a < b ? -1 : 1)));
    const hash = createHash('sha256')
      .update(`sms${JSON.stringify(sorted)}`)
      .digest('base64url');
    const [stored] = await query<{ request_hash: string }>(
      service.databaseUrl,
      'select request_hash from idempotency_keys where message_id = $1',
      [body.id],
    );
    expect(stored?.request_hash).to.equal(hash);
  });

  it('is stored with the hashes of the recipients in to, cc and bcc', async () => {
    const { body } = await service.request('POST', '/api/messages/email', {
      ...email,
      ...{ to: ['A@example.com', 'b@example.com'], cc: ['c@example.com'], bcc: ['d@example.com'] },
    });
    const [stored] = await query<{ hashes: string[] }>(
      service.databaseUrl,
      `select array(select encode(hash, 'hex') from unnest(recipient_hashes) as hash) as hashes
       from deliveries where message_id = $1`,
      [body.id],
    );
    const addresses = ['a', 'b', 'c', 'd'].map((name) => `${name}@example.com`);
    expect(stored?.hashes).to.deep.equal(addresses.map(hashAddress));
  });
});

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import pg from 'pg';
import { mediaCollection } from '../../../src/media/collect.ts';
import { createPostgresStore } from '../../../src/media/postgres-store.ts';
import { createMimeAccount } from '../../../src/providers/mime/account.ts';
import { IncomingWebhook } from '../../../src/providers/webhook.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { deliverMime, deliverTo, mail, mimeEnvironment, mimeTarget } from '../../support/mime.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;

describe('An email from a mail server', () => {
  let service: Harness;
  const sql = <T extends object>(text: string, values: unknown[] = []) =>
    query<T>(service.databaseUrl, text, values);
  const stored = async () => (await service.request('GET', '/api/quarantine?account=mime')).body.data;
  const find = async (id: number) => (await service.request('GET', `/api/quarantine/${id}`)).body;

  before(async () => {
    // Without a worker, stored webhooks stay.
    service = await startHarness({ ...mimeEnvironment, ROLE: 'api' });
  });
  after(() => service.stop());

  it('is stored whole with its envelope before it is answered, and its redelivery is counted', async () => {
    const raw = mail({ 'Message-ID': '<1@example.com>' });
    const envelope = { recipients: ['a+b@shop.example', 'c@shop.example'], sender: '' };
    for (const count of [1, 2]) {
      expect(await deliverMime(service, raw, envelope)).to.deep.equal({ status: 200, body: {} });
      const [{ id }] = await stored();
      const { body, target, state, received_count, body_truncated } = await find(id);
      expect({ body, target, state, received_count, body_truncated }).to.deep.equal({
        ...{ body: raw, target: mimeTarget(envelope), state: 'pending' },
        ...{ received_count: count, body_truncated: false },
      });
    }
  });

  it('is stored in the media store if it is large, where no collection removes it', async () => {
    const raw = Buffer.concat([Buffer.from(mail({})), Buffer.alloc(3 * MIB, 'é')]);
    for (const _ of [1, 2]) expect((await deliverMime(service, raw)).status).to.equal(200);
    const [{ id, body_bytes }] = await stored();
    expect(body_bytes).to.equal(raw.length);
    const { body, body_truncated, body_encoding } = await find(id);
    expect([body_truncated, body_encoding]).to.deep.equal([true, 'utf-8']);
    expect(raw.toString()).to.satisfy((text: string) => text.startsWith(body) && body.length > MIB / 2);

    await sql(`update media_objects set created_at = now() - interval '2 days'`);
    const pool = new pg.Pool({ connectionString: service.databaseUrl });
    try {
      const collection = mediaCollection(pool, createPostgresStore(pool));
      while (await collection.step());
    } finally {
      await pool.end();
    }
    const objects = async () =>
      sql<{ bytes: string }>(
        'select sum(octet_length(data)) as bytes from media_objects join media_chunks on id = object_id group by id',
      );
    expect((await objects()).map(({ bytes }) => Number(bytes))).to.deep.equal([raw.length]);
    expect((await service.request('DELETE', `/api/quarantine/${id}`)).status).to.equal(204);
    expect(await objects()).to.deep.equal([]);
  });

  it('is replayed alone in its process if it is large, and another replay gets 503 meanwhile', async () => {
    for (const n of [1, 2])
      expect(
        (await deliverMime(service, mail({ Subject: `Replay ${n}` }, 'x'.repeat(1_500_000)))).status,
      ).to.equal(200);
    const [second, first] = await stored();
    const replay = (id: number) => service.request('POST', `/api/quarantine/${id}/replay`);
    const blocker = new pg.Client({ connectionString: service.databaseUrl });
    await blocker.connect();
    try {
      await blocker.query('begin; lock table messages in access exclusive mode');
      const replaying = replay(first.id);
      await until(async () => (await find(first.id)).attempts === 1, 'the first replay runs');
      const { status, body, headers } = await replay(second.id);
      expect([status, body.code, headers.get('retry-after')]).to.deep.equal([503, 'unavailable', '1']);
      expect((await find(second.id)).attempts).to.equal(0);
      await blocker.query('rollback');
      expect((await replaying).status).to.equal(200);
    } finally {
      await blocker.end();
    }
    expect((await replay(second.id)).status).to.equal(200);
  });

  it('arrives by the script of the documentation, with the envelope of the mail server', async () => {
    const page = readFileSync(new URL('../../../docs/inbound-email.md', import.meta.url), 'utf8');
    const [, script = ''] = /```sh\n(#!\/bin\/sh\n.*?)```/s.exec(page) ?? [];
    const own = script
      .replace(/^URL=.*$/m, `URL=${service.url}/api/webhooks/mime`)
      .replace(/^SECRET=.*$/m, `SECRET=${webhookSecret}`);
    const raw = mail({ 'Message-ID': '<script@example.com>' }, 'é\0%"\'');
    const run = (text: string, input: string, recipients = ['a+b@shop.example', "o'c d@shop.example"]) =>
      new Promise<number | null>((resolve) => {
        const child = spawn('sh', ['-c', text, 'to-messaging', '', ...recipients]);
        child.once('close', resolve);
        child.stdin.end(input);
      });
    expect(await run(own, raw)).to.equal(0);
    const [{ id }] = await stored();
    const { target, body } = await find(id);
    const query = new URLSearchParams(target.split('?')[1]);
    expect([body, query.get('sender'), query.getAll('recipient')]).to.deep.equal([
      ...[raw, '', ['a+b@shop.example', "o'c d@shop.example"]],
    ]);
    // A temporary failure, after which the mail server keeps the email.
    expect(await run(own.replace(/^SECRET=.*$/m, 'SECRET=whsec_d3Jvbmcgc2VjcmV0IG9mIDI0IGI='), raw)).to.equal(
      75,
    );
    expect(await run(own.replace(/^URL=.*$/m, 'URL=http://127.0.0.1:9'), raw)).to.equal(75);

    // As many recipients as the mail server gives the script fit, and too many are refused for good.
    const [limit = 0] = [...page.matchAll(/(?:recipient_limit|batch_max) = (\d+)/g)].map(([, n]) =>
      Number(n),
    );
    const longest = (n: number) => Array<string>(n).fill(`${'a'.repeat(241)}@shop.example`);
    expect(limit).to.be.above(1);
    expect(await run(own, raw, longest(limit))).to.equal(0);
    expect(await run(own, raw, longest(50))).to.equal(65);
  });

  it('is accepted with any envelope that the headers of a request can hold', async () => {
    const recipients = Array.from({ length: 400 }, (_, n) => `r${n}@shop.example`);
    const target = `${mimeTarget({ recipients, sender: 'a@example.com' })}&sender=b%40example.com`;
    const raw = Buffer.from(mail({ 'Message-ID': '<envelope@example.com>' }));
    for (const each of [target, mimeTarget({ recipients: [`${'a'.repeat(2_000)}@shop.example`] })])
      expect((await deliverTo(service, each, raw)).status).to.equal(200);
    const content = await createMimeAccount([]).parse(
      new IncomingWebhook({ ...{ headers: {}, target, publicUrl: null }, readBody: async () => raw }),
    );
    expect(content?.messages[0]?.mail).to.include({ envelopeFrom: 'a@example.com' });
    expect(content?.messages[0]?.mail?.envelopeTo).to.deep.equal(recipients.slice(0, 300));
  });

  it('is refused with 401 if its signature is missing, wrong or for another body, and with 413 if it is too large', async () => {
    const count = (await stored()).length;
    const raw = mail({ 'Message-ID': '<2@example.com>' });
    const wrong: Record<string, string>[] = [
      { 'webhook-signature': 'v1,AAAA' },
      { 'webhook-timestamp': '1' },
      { 'webhook-id': 'x' },
    ];
    for (const headers of wrong) expect((await deliverMime(service, raw, {}, headers)).status).to.equal(401);
    expect((await service.request('POST', mimeTarget(), raw)).status).to.equal(401);
    for (const account of ['mail-co', 'text-co', 'nobody', 'mime'])
      expect(
        (await service.request('POST', `/api/webhooks/${account}/inbound`, raw)).status,
        account,
      ).to.equal(401);
    expect((await deliverMime(service, Buffer.alloc(30 * MIB + 1))).status).to.equal(413);
    expect(await stored()).to.have.length(count);
  });

  it('is 503 if the inbox of the account is full, and then leaves nothing in the media store', async () => {
    const objects = () => sql('select id from media_objects order by id');
    const before = await objects();
    await sql(
      `insert into webhook_inbox (account, state, target, headers, body, digest)
       select 'mime', 'quarantined', '/', '{}', '', sha256(n::text::bytea) from generate_series(1, 10000) as n`,
    );
    for (const raw of [mail({ Subject: 'Full' }), Buffer.alloc(2 * MIB, 'x')]) {
      const { status, body } = await deliverMime(service, raw);
      expect([status, body.code]).to.deep.equal([503, 'unavailable']);
    }
    expect(await objects()).to.deep.equal(before);
  });

  it('is recorded by a replay if a worker of a version without inbound email has quarantined it', async () => {
    await sql('delete from webhook_inbox');
    for (const text of ['Small', 'Large\r\n'.repeat(200_000)]) {
      expect((await deliverMime(service, mail({}, text))).status).to.equal(200);
      const [{ id }] = await stored();
      const quarantine = `
        update webhook_inbox set state = 'quarantined', reason = 'account_removed', attempts = 1, next_attempt_at = null where id = $1`;
      await sql(quarantine, [id]);
      const { status, body } = await service.request('POST', `/api/quarantine/${id}/replay`);
      expect([status, body.message_ids?.length], JSON.stringify(body)).to.deep.equal([200, 1]);
      const { body: read } = (await service.request('GET', `/api/messages/${body.message_ids[0]}`)).body;
      expect(read.replaceAll('\r', '').trim()).to.equal(text.replaceAll('\r', '').trim());
    }
  });
});

describe('A service without a secret for mail servers', () => {
  it('refuses every email of a mail server', async () => {
    const service = await startHarness({ ROLE: 'api' });
    try {
      expect((await deliverMime(service, mail({}))).status).to.equal(401);
    } finally {
      await service.stop();
    }
  });
});

import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Answer, type Harness, startHarness } from '../support/harness.ts';
import { freePort } from '../support/process.ts';
import { timelineOf } from '../support/timeline.ts';
import { until } from '../support/until.ts';

const key = randomBytes(24).toString('hex');
const HOUR = 3_600_000;

describe('POST /api/messages/{id}/redact', () => {
  let service: Harness;
  before(async () => {
    const port = await freePort();
    service = await startHarness({
      ...{ API_KEYS: `support:${key}`, PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` },
    });
  });
  after(() => service.stop());

  const request = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    service.request(method, path, body, { authorization: `Bearer ${key}`, ...headers });
  const redact = (id: number, idempotencyKey?: string) =>
    request('POST', `/api/messages/${id}/redact`, undefined, {
      ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
    });
  const send = (body: object, headers?: Record<string, string>) =>
    request('POST', '/api/messages/send', body, headers);
  const untilStatus = (id: number, status: string) =>
    until(async () => (await request('GET', `/api/messages/${id}`)).body.status === status, status);
  const upload = async (): Promise<number> =>
    (await request('POST', '/api/media?name=secret.png', 'a picture', { 'content-type': 'image/png' })).body
      .id;
  const actions = async (id: number) => (await timelineOf({ request }, id)).actions;
  const expectProblem = ({ status, body }: Answer, expected: number, code: string) =>
    expect([status, body.code], JSON.stringify(body)).to.deep.equal([expected, code]);

  it('erases a sent email everywhere it is shown, once, and a repeat of its send returns it as it is now', async () => {
    const media = await upload();
    const content = {
      subject: 'Xylophone',
      html: '<p>xylophone</p>',
      text: 'xylophone',
      headers: { 'X-A': 'xylophone' },
    };
    const body = {
      from: email.from,
      to: email.to,
      ...content,
      media_ids: [media],
      metadata: { a: 'xylophone' },
    };
    const sent = await send(body, { 'idempotency-key': 'send-1' });
    expect(sent.status, JSON.stringify(sent.body)).to.equal(202);
    const { id, conversation_id } = sent.body;
    await untilStatus(id, 'delivered');
    const search = () => request('GET', '/api/messages?q=xylophone');
    expect((await search()).body.data).to.have.length(1);

    const answer = await redact(id, 'redact-1');
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    expect(JSON.stringify(answer.body)).not.to.match(/xylophone|secret/i);
    expect(answer.body).to.include({ body: '', status: 'delivered', from: email.from });
    expect(answer.body.media[0]).to.include({ id: media, state: 'removed', name: null, url: null, size: 9 });
    expect(new Date(answer.body.redacted_at).getTime()).to.be.closeTo(Date.now(), 60_000);
    expectProblem(await request('GET', `/api/media/${media}/content`), 404, 'not_found');
    expect(await query(service.databaseUrl, 'select from media_objects')).to.have.length(0);
    expect((await search()).body.data).to.have.length(0);
    for (const path of [`conversations/${conversation_id}`, 'conversations', 'events?limit=1000', 'messages'])
      expect(JSON.stringify((await request('GET', `/api/${path}`)).body)).not.to.match(/xylophone|secret/i);

    expect((await redact(id, 'redact-1')).headers.get('idempotent-replayed')).to.equal('true');
    expect((await redact(id)).body).to.deep.equal(answer.body);
    expect(await actions(id)).to.have.length(1);
    expect((await actions(id))[0]).to.include({
      action: 'redact',
      actor: 'support',
      from_status: 'delivered',
    });
    const repeat = await send(body, { 'idempotency-key': 'send-1' });
    expect([repeat.status, repeat.body.id, repeat.body.body]).to.deep.equal([202, id, '']);
    expectProblem(await send(sms, { 'idempotency-key': 'redact-1' }), 422, 'idempotency_key_reused');
    expectProblem(await send({ ...email, media_ids: [media] }), 422, 'invalid_request');
  });

  it('redacts an inbound message, with the action in its timeline', async () => {
    await service.control('POST', '/_control/inbound', { channel: 'sms', body: 'a violoncello' });
    const { id } = await until(
      async () => (await request('GET', '/api/messages?direction=inbound')).body.data[0],
      'the message',
    );
    const answer = await redact(id);
    expect(answer.body, JSON.stringify(answer.body)).to.include({ id, body: '', status: 'received' });
    expect((await actions(id))[0]).to.include({ action: 'redact', from_status: 'received' });
    expect(
      await query(service.databaseUrl, `select from messages where payload::text like '%violoncello%'`),
    ).to.have.length(0);
  });

  it('refuses a message that is still to be sent, and a redacted message is not sent again', async () => {
    const { id } = (await send({ ...sms, send_at: new Date(Date.now() + HOUR).toISOString() })).body;
    expectProblem(await redact(id), 409, 'not_redactable');
    expectProblem(await redact(999_999), 404, 'not_found');
    expect((await request('GET', `/api/messages/${id}`)).body.body).to.equal(sms.body);
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'status', status: 400 }]);
    const failed = (await send({ ...sms, to: '+18045550009' })).body.id;
    await untilStatus(failed, 'failed');
    await service.control('PUT', '/_control/faults', []);
    const { body } = await redact(failed);
    expect([body.status, body.error.detail]).to.deep.equal(['failed', null]);
    expectProblem(await request('POST', `/api/messages/${failed}/retry`), 409, 'not_retriable');
  });

  it('refuses a message that names a file that is erased at this moment', async () => {
    const media = await upload();
    const { id } = (await send({ ...email, media_ids: [media] })).body;
    await untilStatus(id, 'delivered');
    const client = new pg.Client({ connectionString: service.databaseUrl });
    await client.connect();
    await client.query('begin');
    await client.query(`select ${storedFunction('erase_contents')}(array[$1::bigint], true)`, [id]);
    const sending = send({ ...email, to: 'other@example.com', media_ids: [media] });
    const isWaiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%record_messages%'`;
    await until(
      async () => (await query(service.databaseUrl, isWaiting)).length === 1,
      'the message waits for the file',
    );
    await client.query('commit');
    await client.end();
    const { status, body } = await sending;
    expect([status, body.errors]).to.deep.equal([
      422,
      [{ path: '/body/media_ids/0', message: `media ${media} was removed` }],
    ]);
  });
});

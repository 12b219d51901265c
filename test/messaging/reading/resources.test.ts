import { expect } from 'chai';
import type pg from 'pg';
import { type Database, openDatabase } from '../../../src/db/pools.ts';
import { MediaLinks } from '../../../src/media/links.ts';
import { createMessageView } from '../../../src/messaging/message-view.ts';
import { messagesByIds } from '../../../src/messaging/reading/resources.ts';
import type { Schema } from '../../../src/openapi/types.ts';
import { email, inboundEmail, sms } from '../../support/bodies.ts';
import { type Harness, secretKey, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const whole = new MediaLinks([secretKey], 'https://messaging.example');
const present = createMessageView(new MediaLinks([secretKey], null));

const URL_OF_ATTACHMENT = 'https://example.com/';

describe('The messages of events', function () {
  this.timeout(60_000);
  let service: Harness;
  let database: Database;
  before(async () => {
    service = await startHarness({ ROLE: 'api', PUBLIC_URL: 'https://messaging.example' });
    database = openDatabase(service.databaseUrl, () => undefined);
  });
  after(async () => {
    await database?.close();
    await service?.stop();
  });

  const record = async (body: object) =>
    (await service.request('POST', '/api/messages/email', { ...email, ...body })).body as Schema<'Message'>;
  /** The messages, and the bytes that the database sent for them. */
  const read = (ids: number[]) =>
    database.knex.transaction(async (trx) => {
      const client: pg.Client & { connection: { stream: { bytesRead: number } } } =
        await trx.client.acquireConnection();
      const { stream } = client.connection;
      const before = stream.bytesRead;
      const messages = await messagesByIds(trx, present, ids);
      return { messages, bytes: stream.bytesRead - before };
    });
  const eventOf = (id: number, type: string) =>
    until(async () => {
      const { data } = (await service.request('GET', `/api/events?type=${type}`)).body as Schema<'EventList'>;
      return (data as Schema<'MessageEvent'>[]).find((event) => event.data.id === id);
    }, `the event ${type} of message ${id}`);
  const replaceAttachments = (id: number, urls: string) =>
    database.pool.query(`update messages set attachments = ${urls} where id = $1`, [id]);

  it('are read without the rest of a large body and of large attachments', async () => {
    const { id } = await record({ body: 'x'.repeat(5_000_000) });
    await replaceAttachments(
      id,
      `array['${URL_OF_ATTACHMENT}', '${URL_OF_ATTACHMENT}' || repeat('y', 5000000), 'z']`,
    );
    const { messages, bytes } = await read([id]);
    expect(bytes).to.be.below(100_000);
    const { body, attachments } = messages.get(id) as Schema<'Message'>;
    expect(body).to.equal('x'.repeat(20_001));
    expect(attachments.map((url) => url.length)).to.deep.equal([20, 20_001]);
    expect(await eventOf(id, 'message.queued')).to.include({ truncated: true });
  });

  it('are read without the rest of many files, and an event has no part of a link', async () => {
    const attachments = Array.from({ length: 100 }, (_, n) => `http://127.0.0.1:9/${n}`);
    const { id } = (await service.request('POST', '/api/webhooks/email', { ...inboundEmail, attachments }))
      .body;
    const state = `update media set name = repeat('ä', 255), error = null, object_id = gen_random_uuid(), state = 'stored',
      content_type = 'image/png', size = 1, sha256 = sha256('') where id in (select media_id from message_media where message_id = $1)`;
    await database.pool.query('alter table media drop constraint media_object_id_fkey');
    await database.pool.query(state, [id]);
    const { messages, bytes } = await read([id]);
    expect(bytes).to.be.below(60_000);
    expect(messages.get(id)?.media).to.have.length.within(40, 60);
    const event = await eventOf(id, 'message.received');
    expect(event).to.include({ truncated: true });
    expect(JSON.stringify(event).length).to.be.below(20_001);
    const { media = [] } = event.data;
    expect(media).to.have.length.within(5, 20);
    for (const { url } of media) expect(url ?? whole.urlOf(1)).to.match(/&signature=[\w-]{43}$/);
  });

  it('are complete if they are small', async () => {
    const sent = (await service.request('POST', '/api/messages/sms', sms)).body as Schema<'Message'>;
    const { id } = await record({ attachments: ['https://example.com/a', 'https://example.com/b'] });
    const { messages } = await read([sent.id, id]);
    for (const each of [sent.id, id]) {
      // Events leave out the HTML beside the body.
      const { html: _html, ...others } = (await service.request('GET', `/api/messages/${each}`)).body;
      expect(messages.get(each)).to.deep.equal(others);
    }
    await replaceAttachments(
      id,
      `array(select '${URL_OF_ATTACHMENT}' || n from generate_series(1, 400) as n)`,
    );
    expect((await read([id])).messages.get(id)?.attachments).to.have.length(400);
  });
});

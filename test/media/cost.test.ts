import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { storeMedia } from '../support/media.ts';

const ROUTE = {
  n: 1,
  channel: 'sms',
  assigned_to: '',
  reassignable: true,
  provider: 'text-co',
  preferred: [],
};
const SLOTS = {
  free_slots: 10,
  retries: 10,
  first: null,
  newest_first: false,
  lease_ms: 1_000,
  large_lease_ms: 1_000,
};
const OTHERS = 10_000;

describe('The cost of a claim', () => {
  let api: Harness;
  let client: pg.Client;
  before(async () => {
    api = await startHarness({ ROLE: 'api', PUBLIC_URL: 'https://messaging.example' });
    client = new pg.Client({ connectionString: api.databaseUrl });
    await client.connect();
  });
  after(async () => {
    await client.end();
    await api.stop();
  });

  /** The rows of files that the transaction has read. */
  async function read(): Promise<number> {
    const { rows } = await client.query<{ rows: number }>(
      `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows
       from pg_stat_xact_user_tables where relname in ('media', 'message_media')`,
    );
    return rows[0]?.rows ?? 0;
  }

  /** Claims the message of a body among many messages with files, and returns the rows of files that the claim has read. */
  async function claim(body: object): Promise<{ media: unknown; read: number }> {
    const { body: message } = await api.request('POST', '/api/messages/sms', {
      ...sms,
      type: undefined,
      ...body,
    });
    await client.query('begin');
    const before = await read();
    const { rows } = await client.query(
      `select id, media from ${storedFunction('claim_deliveries')}($1, 10, 10)`,
      [JSON.stringify([{ ...ROUTE, ...SLOTS }])],
    );
    const after = await read();
    await client.query('rollback');
    await client.query(`update deliveries set status = 'canceled', next_attempt_at = null`);
    expect(rows.map(({ id }) => Number(id))).to.deep.equal([message.id]);
    return { media: rows[0].media, read: after - before };
  }

  it('does not include the files of other messages, nor any search for the files of an SMS', async () => {
    const media = await storeMedia(api.databaseUrl);
    const { body: first } = await api.request('POST', '/api/messages/sms', {
      ...sms,
      type: 'mms',
      media_ids: [media],
    });
    await client.query(`update deliveries set status = 'canceled', next_attempt_at = null`);
    await client.query(
      `insert into message_media (message_id, position, media_id) select $1, n, $2 from generate_series(2, $3::int) as n`,
      [first.id, media, OTHERS],
    );
    const plain = await claim({});
    expect(plain).to.deep.equal({ media: null, read: 0 });
    const picture = await claim({ media_ids: [media] });
    const [{ object_id, ...file }] = picture.media as [{ object_id: string }];
    expect(object_id).to.match(/^[0-9a-f-]{36}$/);
    expect(file).to.deep.equal({
      ...{ id: media, content_type: 'image/png', size: 68, name: null, content_id: null },
    });
    expect(picture.read).to.be.at.most(4);
  });
});

import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { createMigratedDatabase } from '../support/database.ts';

const MARKER = 'unrepeatable';
const CONTENT = Buffer.from(`the file ${MARKER}`);
const ERROR = { code: 'E1', detail: `refused: ${MARKER}`, class: 'content_rejected', url: null };

/** Each message has the marker in all of its content, and another one in its words, which stays. */
describe('erase_contents', () => {
  let client: pg.Client;
  beforeEach(async () => {
    client = new pg.Client({ connectionString: await createMigratedDatabase() });
    await client.connect();
    await client.query(`
      insert into participants (address, address_type) values ('a@example.com', 'email'), ('b@example.com', 'email');
      insert into conversations (channel, participant_ids) values ('email', '{1,2}');
      insert into endpoints (url, secret, position) values ('https://example.com', 's', 0);
      select ${storedFunction('add_event_partitions')}(0, 100)`);
  });
  afterEach(() => client.end());

  const one = async <T>(text: string, values: unknown[] = []) =>
    (await client.query(text, values)).rows[0] as T;
  /** An outbound or inbound email with the marker in everything that it says; returns its id. */
  const add = async (direction: string, status: string, mediaId: number): Promise<number> => {
    const { id } = await one<{ id: number }>(
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", reply_to, subject, body, attachments,
         metadata, provider, provider_message_id, "timestamp", payload)
       values (1, 1, $1, 'email', 'a@example.com', '{b@example.com}', $2, $2, $2, array[$2], jsonb_build_object('a', $2::text),
         'mail-co', 'p' || nextval('messages_id_seq'), now(), jsonb_build_object('a', $2::text))
       returning id`,
      [direction, MARKER],
    );
    await client.query(
      `insert into emails (message_id, is_html, text, stripped_text, headers, names, url_files, internet_message_id, spam,
         raw_media_id)
       values ($1, true, $2, $2, $3, $3, $3, 'id@example.com', $3, $4)`,
      [id, MARKER, JSON.stringify({ 'x-a': MARKER }), await addMedia()],
    );
    await client.query(
      'insert into message_media (message_id, position, media_id, name) values ($1, 1, $2, $3)',
      [...[id, mediaId, MARKER]],
    );
    if (direction === 'inbound') return id;
    await client.query(
      `with delivery as (
         insert into deliveries (message_id, conversation_id, channel, status, error, delivery_key, expires_at)
         values ($1, 1, 'email', $2, $3, gen_random_uuid(), now()) returning message_id
       ), recipient as (
         insert into delivery_recipients (message_id, position, address, status, error)
         select message_id, 1, 'b@example.com', 'failed', $3 from delivery
       ), attempt as (
         insert into delivery_attempts (message_id, number, provider, started_at, outcome, code, detail)
         select message_id, 1, 'mail-co', now(), 'rejected', 'E1', $4 from delivery
       ), receipt as (
         insert into delivery_receipts (provider, provider_message_id, message_id, status, error, occurred_at, payload)
         select 'mail-co', 'p' || message_id, message_id, 'failed', $3, now(), $3 from delivery
       ), waiting as (
         insert into event_inbox (type, subject_id, conversation_id, changes)
         select 'recipient.bounced', message_id, 1, jsonb_build_object('position', 1, 'error', $3::jsonb) from delivery
       ), event as (
         insert into events (id, type, subject_id, conversation_id, changes, created_at)
         select message_id, 'message.failed', message_id, 1, jsonb_build_object('status', 'failed', 'error', $3::jsonb), now()
         from delivery
       )
       insert into endpoint_attempts (endpoint_id, event_id, number, started_at, outcome, error_code, detail, response_body)
       select 1, message_id, 1, now(), 'failed', 'http_500', $4, $4 from delivery`,
      [id, status, JSON.stringify(ERROR), MARKER],
    );
    return id;
  };
  const addMedia = async () => {
    const { id } = await one<{ id: number }>(
      `with object as (insert into media_objects (id) values (gen_random_uuid()) returning id),
         chunk as (insert into media_chunks select id, 0, $1 from object)
       insert into media (state, object_id, content_type, size, sha256, name, source_url)
       select 'stored', id, 'image/png', 5, sha256($1), $2, $2 from object returning id`,
      [CONTENT, MARKER],
    );
    return id;
  };
  const erase = async (ids: number[], withMedia = true) =>
    (
      await one<{ counts: object }>(`select ${storedFunction('erase_contents')}($1, $2) as counts`, [
        ids,
        withMedia,
      ])
    ).counts;
  /** The tables that have the marker, as text or in bytes, with the number of rows. */
  const tablesWithMarker = async (): Promise<Record<string, number>> => {
    const { rows } = await client.query<{ name: string }>(
      `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
    );
    const found: Record<string, number> = {};
    for (const { name } of rows) {
      const { count } = await one<{ count: number }>(
        `select count(*)::int as count from ${name} as t where t::text like $1 or t::text like $2`,
        [`%${MARKER}%`, `%${Buffer.from(MARKER).toString('hex')}%`],
      );
      if (count > 0) found[name] = count;
    }
    return found;
  };
  const removeObjects = () =>
    client.query(
      'delete from media_objects using removed_objects where media_objects.id = removed_objects.id',
    );

  it('erases all content and keeps addresses, statuses, codes, sizes and the times, once', async () => {
    const ids = [
      await add('outbound', 'failed', await addMedia()),
      await add('inbound', '', await addMedia()),
    ];
    const version = () => one<{ version: number }>('select version from erased_content');
    expect(Object.keys(await tablesWithMarker())).to.have.length(12);
    expect(await erase(ids)).to.deep.equal({ messages: 2, receipts: 1, events: 2, media: 4 });
    await removeObjects();
    expect(await tablesWithMarker()).to.deep.equal({});
    const kept = await one<object>(
      `select "from", status, deliveries.error, changes, media.state, size, content_type, redacted_at is not null as is_redacted,
         internet_message_id, endpoint_attempts.error_code
       from messages join deliveries on message_id = messages.id join emails using (message_id)
       join message_media using (message_id) join media on media.id = media_id
       join events on subject_id = message_id join endpoint_attempts on event_id = events.id`,
    );
    const error = { ...ERROR, detail: null };
    expect(kept).to.deep.equal({
      ...{ from: 'a@example.com', status: 'failed', error, changes: { status: 'failed', error } },
      ...{ state: 'removed', size: 5, content_type: 'image/png', is_redacted: true },
      ...{ internet_message_id: 'id@example.com', error_code: 'http_500' },
    });
    const before = await version();
    expect(await erase(ids)).to.deep.equal({ messages: 0, receipts: 0, events: 0, media: 0 });
    expect(await version()).to.deep.equal(before);
  });

  it('takes a file that another message has from the erased message only', async () => {
    const [shared, own] = [await addMedia(), await addMedia()];
    const [erased, other] = [await add('inbound', '', shared), await add('inbound', '', shared)];
    await client.query('insert into message_media (message_id, position, media_id) values ($1, 2, $2)', [
      erased,
      own,
    ]);
    expect(await erase([erased])).to.include({ media: 2 });
    const holders =
      'select media_id, state, message_id from message_media join media on media.id = media_id order by 1';
    expect((await client.query(holders)).rows).to.deep.equal([
      { media_id: shared, state: 'stored', message_id: other },
      { media_id: own, state: 'removed', message_id: erased },
    ]);
    expect(await erase([other])).to.include({ messages: 1, media: 2 });
  });

  it('ends the fetch of a file, whose result is not recorded any more', async () => {
    const media = await addMedia();
    const id = await add('inbound', '', media);
    await client.query(`update media set state = 'pending', object_id = null where id = $1`, [media]);
    await client.query(
      `insert into media_fetches (media_id, account, attempt_count, next_attempt_at, leased) values ($1, 'a', 1, now(), true)`,
      [media],
    );
    await erase([id]);
    const settle = `select ${storedFunction('settle_media_fetch')}($1, 1, gen_random_uuid(), 'image/png', 1, $2, 'a', null) as done`;
    expect(await one(settle, [media, Buffer.alloc(32)])).to.deep.equal({ done: false });
  });

  it('keeps the files without with_media, and skips a message that is still to be sent', async () => {
    const ids: number[] = [];
    for (const status of ['scheduled', 'queued', 'sending', 'unknown'])
      ids.push(await add('outbound', status, await addMedia()));
    expect(await erase(ids, false)).to.include({ messages: 1, media: 1 });
    const { states } = await one<{ states: string[] }>(
      'select array_agg(state) as states from message_media join media on media.id = media_id',
    );
    expect(states).to.deep.equal(['stored', 'stored', 'stored', 'stored']);
  });

  it('erases the texts of results and receipts that come after the erasure', async () => {
    const id = await add('outbound', 'sent', await addMedia());
    await client.query(`update deliveries set provider = 'mail-co', provider_message_id = 'p'`);
    await client.query(`update delivery_recipients set status = 'sent', error = null, provider = 'mail-co'`);
    await erase([id]);
    await removeObjects();
    const occurred_at = new Date();
    const receipt = {
      n: 1,
      provider: 'mail-co',
      provider_message_id: 'p',
      status: 'bounced',
      bounce: 'hard',
    };
    await client.query(`select ${storedFunction('store_receipts')}($1)`, [
      JSON.stringify([{ ...receipt, error: ERROR, occurred_at, payload: { a: MARKER } }]),
    ]);
    const attempt = {
      id,
      conversation_id: 1,
      number: 2,
      provider: 'mail-co',
      started_at: occurred_at,
      outcome: 'rejected',
    };
    await client.query(`select ${storedFunction('settle_deliveries')}($1)`, [
      JSON.stringify([
        { ...attempt, duration_ms: 1, detail: MARKER, status: 'failed', retries: 0, pause_ms: 0 },
      ]),
    ]);
    expect(await one('select status, error from deliveries')).to.deep.equal({
      ...{ status: 'undelivered', error: { ...ERROR, detail: null } },
    });
    expect(await tablesWithMarker()).to.deep.equal({});
  });
});

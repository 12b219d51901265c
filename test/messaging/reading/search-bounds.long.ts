import { expect } from 'chai';
import pg from 'pg';
import type { Message } from '../../../sdk/src/index.ts';
import { inboundEmail, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Answer, type Harness, startHarness } from '../../support/harness.ts';
import { interleave } from '../../support/interleave.ts';
import { until } from '../../support/until.ts';

/** The maximum numbers of running and of waiting searches. */
const [RUNNING, WAITING] = [4, 16];

describe('Searches', function () {
  this.timeout(120_000);
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness({ ROLE: 'api' });
    await service.request('POST', '/api/messages/sms', sms);
  });
  afterEach(() => service.stop());

  const sql = <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    query<Row>(service.databaseUrl, text, values);
  const search = (q: string, more = '') =>
    service.request('GET', `/api/messages?q=${encodeURIComponent(q)}${more}`);

  /** Messages from number `first`, one second apart, whose body is an SQL expression with `n`. */
  const store = (first: number, count: number, body: string, type = 'sms') =>
    sql(
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp", created_at)
       select 1, 1, 'inbound', $3, 'a', '{b}', ${body}, '{}', '{}', now(), now() - interval '30 days' + n * interval '1 second'
       from generate_series($1::int, $1::int + $2 - 1) as n`,
      [first, count, type],
    );

  /** All messages that a search finds, page by page. */
  async function all(q: string, more = ''): Promise<number[]> {
    const found: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body } = await search(q, `${more}${cursor && `&cursor=${cursor}`}`);
      expect(status, JSON.stringify(body)).to.equal(200);
      found.push(...body.data.map(({ id }: Message) => id));
      cursor = body.next_cursor;
    }
    return found;
  }

  describe('that are slow', () => {
    let holder: pg.Client;
    beforeEach(async () => {
      // No transaction can read a message until this transaction ends.
      holder = new pg.Client({ connectionString: service.databaseUrl });
      await holder.connect();
      await holder.query('begin');
      await holder.query('lock table messages in access exclusive mode');
    });
    afterEach(() => holder.end());
    const blocked = async () =>
      (
        await sql(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length;

    it('leave connections for other reads and for readiness, and are refused above their own limit', async () => {
      const answers: Answer[] = [];
      const searches = Array.from({ length: RUNNING + WAITING + 10 }, async () => {
        answers.push(await search('hello'));
      });
      await until(async () => (await blocked()) === RUNNING && answers.length >= 10, 'the rest is refused');
      const paths = ['/api/participants', '/api/participants/1', '/readyz', '/healthz'];
      const others = await Promise.all(paths.map((path) => service.request('GET', path)));
      expect(others.map(({ status }) => status)).to.deep.equal(paths.map(() => 200));
      for (const { status, headers, body } of answers) {
        expect([status, body.code]).to.deep.equal([503, 'unavailable']);
        expect(headers.get('retry-after')).to.match(/^[1-9]\d*$/);
      }
      await holder.query('rollback');
      await Promise.all(searches);
      expect(answers.map(({ status }) => status)).to.include(200);
    });

    it('or other reads that use all connections do not make the service unready', async () => {
      const { reads } = service.service.database;
      const waiting = Array.from({ length: reads }, () => service.request('GET', '/api/messages/1'));
      await until(async () => (await blocked()) === reads, 'all connections wait');
      for (let n = 0; n < 20; n++) expect((await service.request('GET', '/readyz')).status).to.equal(200);
      await holder.query('rollback');
      for (const { status } of await Promise.all(waiting)) expect(status).to.equal(200);
    });
  });

  it('find the same messages as a search of every message, for all distributions of common words', async () => {
    await store(1, 2_500, `'early ' || case when n % 500 = 0 then 'seldom ' else '' end || 'w' || n % 7`);
    await store(
      2_501,
      2_500,
      `'late ' || case when n % 3 = 0 then 'third' else '' end || ' w' || n % 7`,
      'email',
    );
    await sql('analyze');
    const everyOne = async (q: string, where = 'true') =>
      (
        await sql<{ id: number }>(
          `select id::int from messages where ${where} and to_tsvector('simple', body) @@ websearch_to_tsquery('simple', $1)
           order by created_at desc, id desc`,
          [q],
        )
      ).map(({ id }) => id);
    for (const q of [
      'early',
      'late',
      'third',
      'seldom',
      'w3 early',
      '"w3 early"',
      'early -w3',
      'seldom or third',
      'nowhere',
    ])
      expect(await all(q, '&limit=200'), q).to.deep.equal(await everyOne(q));
    for (const [filter, where] of [
      ['&type=email', `type = 'email'`],
      ['&type=sms', `type = 'sms'`],
      ['&conversation_id=1', 'true'],
      ['&direction=outbound', `direction = 'outbound'`],
      ['&participant=nobody@example.com', 'false'],
    ] as const)
      for (const q of ['early', 'w3', 'third'])
        expect(await all(q, `&limit=200${filter}`), q + filter).to.deep.equal(await everyOne(q, where));
    expect(await all('seldom', '&limit=1')).to.deep.equal(await everyOne('seldom'));
  });

  describe('return every message once,', () => {
    const isSearch = (statement: string) => /^(select|with) .*messages/s.test(statement);
    const matching = async (where: string) =>
      (
        await sql<{ id: number }>(
          `select id::int from messages where ${where} order by created_at desc, id desc`,
        )
      ).map(({ id }) => id);

    it('while other messages are recorded between the statements of a search', async () => {
      await store(1, 2_500, `'early'`);
      await store(2_501, 495, `'late'`);
      const { knex } = service.service.database;
      let recorded = 0;
      const record = (statement: string) =>
        isSearch(statement) && ++recorded <= 20
          ? `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
             select 1, 1, 'inbound', 'sms', 'a', '{b}', 'late', '{}', '{}', now() from generate_series(1, 3)`
          : null;
      const found = await interleave(knex, service.databaseUrl, record, () => all('early', '&limit=200'));
      expect(recorded).to.be.greaterThan(1);
      expect(found).to.deep.equal(await matching(`body = 'early'`));
    });

    it('while messages change from the requested status to another', async () => {
      await store(1, 2_500, `'early ' || n % 2`);
      await sql(
        `insert into deliveries (message_id, conversation_id, channel, status, delivery_key, expires_at, created_at, updated_at)
         select id, 1, 'sms', 'failed', gen_random_uuid(), now(), created_at, created_at from messages where body like 'early%'`,
      );
      await sql(`update messages set direction = 'outbound'`);
      const { knex } = service.service.database;
      let sent = 0;
      const send = (statement: string) =>
        isSearch(statement) && ++sent <= 20
          ? `update deliveries set status = 'sent' where message_id in (
               select message_id from deliveries where status = 'failed' order by created_at desc limit 3)`
          : null;
      const found = await interleave(knex, service.databaseUrl, send, () =>
        all('"early 1"', '&limit=200&status=failed'),
      );
      expect(sent).to.be.greaterThan(1);
      expect(new Set(found).size).to.equal(found.length);
      expect(found).to.include.members(
        await matching(
          `body = 'early 1' and id in (select message_id from deliveries where status = 'failed')`,
        ),
      );
    });

    for (const [title, path, limit] of [
      ['a search', '/api/messages?q=kept', 1],
      ['a list of messages', '/api/messages?type=email', 1],
      ['a conversation', '/api/conversations/1/messages?order=desc', 2],
    ] as const)
      it(`while the messages of a page of ${title} are deleted`, async () => {
        await store(1, 5, `'kept ' || repeat('x', 300000)`, 'email');
        const { knex } = service.service.database;
        const [newest, ...rest] = await matching(`type = 'email'`);
        let deleted = false;
        const remove = (statement: string) => {
          // The content of a page is read by the ids of its messages.
          if (deleted || !/^select .*"messages"\."body".* "messages"\."id" in/s.test(statement)) return null;
          deleted = true;
          return `delete from messages where id in (${[newest, ...rest].slice(0, limit)})`;
        };
        const found: number[] = [];
        await interleave(knex, service.databaseUrl, remove, async () => {
          for (let cursor: string | null = ''; cursor !== null; ) {
            const { body } = await service.request(
              'GET',
              `${path}&limit=${limit}${cursor && `&cursor=${cursor}`}`,
            );
            found.push(...body.data.map(({ id }: Message) => id));
            cursor = body.next_cursor;
          }
        });
        expect(deleted).to.equal(true);
        const left = await matching(`type = 'email'`);
        expect(left).to.have.length(5 - limit);
        expect(found.filter((id) => left.includes(id))).to.deep.equal(left);
      });
  });

  describe('have a cost that depends on the page only, over', () => {
    /** The number of buffer pages that the statements of a search read. */
    async function cost(q: string, more = ''): Promise<number> {
      const { knex } = service.service.database;
      const seen: { sql: string; bindings: unknown[] }[] = [];
      const listen = (one: { sql: string; bindings: unknown[] }) => seen.push(one);
      knex.on('query', listen);
      expect((await search(q, more)).status).to.equal(200);
      knex.off('query', listen);
      let pages = 0;
      for (const { sql: text, bindings } of seen.filter(({ sql: text }) => /^(select|with)/.test(text))) {
        await knex.transaction(async (trx) => {
          if (text.includes('limit 1001')) await trx.raw('set local enable_seqscan = off');
          const { rows } = await trx.raw(
            `explain (analyze, buffers, timing off, summary off) ${text.replace(/\$\d+/g, '?')}`,
            bindings as never,
          );
          const plan = rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n');
          pages += Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1] ?? 0);
        });
      }
      return pages;
    }
    const words = (count: number) =>
      `(select string_agg('w' || (i * 7919 + n * 31) % 10007, ' ') from generate_series(1, ${count}) as i) || ' common'`;

    it('many messages: a common word and a rare word, with filters that match few messages', async () => {
      await store(1, 3_000, words(10));
      await sql(`update messages set body = body || ' rare' where id in (5, 700, 2000)`);
      await sql(`update messages set type = 'mms' where id in (5, 6)`);
      await sql('vacuum analyze messages');
      const costs = async () => [
        await cost('common'),
        await cost('rare'),
        await cost('common -rare'),
        await cost('rare', '&type=mms'),
        await cost('rare', '&direction=outbound'),
        await cost('rare', '&status=sent'),
      ];
      const before = await costs();
      await store(3_001, 27_000, words(10));
      await sql('vacuum analyze messages');
      const after = await costs();
      // The margin is for deeper indexes. All messages together have at least 1,500 buffer pages.
      for (const [index, pages] of after.entries())
        expect(pages, `${before} ${after}`).to.be.at.most((before[index] as number) + 200);
    });

    it('large messages: none is parsed again, and only a small part of each is read', async () => {
      await store(1, 80, words(9_000), 'email');
      await sql('vacuum analyze messages');
      const [stored] = await sql('select count(document)::int as n from messages');
      expect(stored).to.deep.equal({ n: 80 });
      await sql(`
        create or replace function message_document(words text) returns tsvector
        language plpgsql immutable as $$
        begin
          if octet_length(words) > 2000 then raise 'the words of a long message were computed again'; end if;
          return '';
        end $$`);
      for (const q of ['common', '"w7919 w5831"', 'w7919 -common', 'nowhere', 'w1 or w2'])
        expect((await search(q)).status, q).to.equal(200);
      // For each message at most ten buffer pages for its words and ten for its body.
      expect(await cost('common')).to.be.at.most(80 * 100);
    });
  });

  it('for a phrase read the text of the messages with all words of the phrase only', async () => {
    await store(
      1,
      60,
      `repeat('lorem ipsum ', 300) || case when n % 10 = 0 then 'red kite' when n % 10 = 1 then 'kite' else 'red' end`,
    );
    await sql(`
      create or replace function message_words(
        type text, "from" text, "to" text[], cc text[], bcc text[], subject text, body text) returns text
      language plpgsql immutable cost 1000 as $$
      begin
        if length(body) > 500 and body !~ 'red kite' then raise 'the text of a message without the words was read'; end if;
        return ' ' || body || ' ';
      end $$`);
    expect(await all('"red kite"')).to.have.length(6);
    expect(await all('red-kite')).to.have.length(6);
    expect(await all('"kite red"')).to.have.length(0);
  });

  it('of emails with hundreds of long recipients use the stored words', async () => {
    const recipients = `array(select n || '-' || i || '-' || repeat('x', 200) || '@example.com' from generate_series(1, 280) as i)`;
    await store(1, 50, `'zebra'`, 'email');
    await sql(
      `update messages set "to" = ${recipients.replaceAll(' n ', ' id ').replace('n ||', 'id ||')}, subject = repeat('word ', 1900) where type = 'email'`,
    );
    const [stored] = await sql(`select count(document)::int as n from messages where type = 'email'`);
    expect(stored).to.deep.equal({ n: 50 });
    await sql(`
      create or replace function message_document(words text) returns tsvector
      language plpgsql immutable as $$
      begin
        if octet_length(words) > 2000 then raise 'the words of a message with many recipients were computed again'; end if;
        return '';
      end $$`);
    const { status, body } = await search('zebra');
    expect([status, body.data?.length]).to.deep.equal([200, 50]);
  });

  it('halve the window when a statement takes too long, and end the page with a cursor', async () => {
    await store(1, 600, `'early bird'`);
    // Each message takes 20 ms, so that no window of more than 100 messages ends within the time limit.
    await sql(`
      create or replace function message_words(
        type text, "from" text, "to" text[], cc text[], bcc text[], subject text, body text) returns text
      language plpgsql immutable cost 1000 as $$
      begin
        perform pg_sleep(0.02);
        return ' ' || body || ' ';
      end $$`);
    const { status, body } = await search('-"early bird"', '&limit=1');
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body.data.map((message: Message) => message.body)).to.deep.equal([sms.body]);
    expect(body.next_cursor).to.be.a('string');
  });

  describe('in a long body', () => {
    const receive = async (body: string) => {
      const answer = await service.request('POST', '/api/webhooks/email', { ...inboundEmail, body });
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    };
    const mark = async (q: string) => (await search(q)).body.data[0]?.highlight.body as string;
    const filler = 'lorem ipsum dolor sit amet '.repeat(3_000);

    it('mark a word far from its beginning', async () => {
      await receive(`${filler} the needle is here ${filler}`);
      expect(await mark('needle')).to.contain('<mark>needle</mark> is here');
      expect(await mark('lorem needle')).to.contain('<mark>needle</mark> is here');
      expect(await mark('"needle is here"')).to.contain(
        '<mark>needle</mark> <mark>is</mark> <mark>here</mark>',
      );
    });

    it('skip text that only resembles the word', async () => {
      await receive(`${'needles and needlework '.repeat(100)}${filler} a needle.`);
      expect(await mark('needle')).to.contain('a <mark>needle</mark>');
    });

    it('return no part of a tag, in any script', async () => {
      const styled = `<p style="color: red; font-family: sans">Größe 日本語 ${'x '.repeat(20)}</p>\n`;
      await receive(`${styled.repeat(600)}<p>Die Übergröße</p>${styled.repeat(20)}`);
      const marked = await mark('übergröße');
      expect(marked).to.contain('<mark>Übergröße</mark>');
      expect(marked).not.to.match(/style|color|font/);
      expect(await mark('日本語')).to.contain('<mark>日本語</mark>');
    });
  });
});

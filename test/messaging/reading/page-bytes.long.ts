import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import type { Message, TimelineEntry } from '../../../sdk/src/index.ts';
import { email, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { head } from '../../support/raw.ts';
import { timelineOf } from '../../support/timeline.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const PAGE_BYTES = 4 * MIB;
/** The maximum size of the JSON around the content. */
const MARGIN = MIB / 2;

describe('Pages of lists', function () {
  this.timeout(60_000);
  let service: Harness;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    await service.request('POST', '/api/messages/sms', sms);
  });
  after(() => service.stop());

  const sql = (text: string, values: unknown[] = []) => query(service.databaseUrl, text, values);

  /** Every page as text and as parsed body. */
  async function walk(
    path: string,
  ): Promise<{ bytes: number; body: { data: { id: number }[]; next_cursor: string | null } }[]> {
    const pages = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const response = await fetch(`${service.url}${path}limit=200${cursor && `&cursor=${cursor}`}`);
      const text = await response.text();
      expect(response.status, text.slice(0, 500)).to.equal(200);
      pages.push({ bytes: Buffer.byteLength(text), body: JSON.parse(text) });
      cursor = pages.at(-1)?.body.next_cursor ?? null;
    }
    return pages;
  }

  /** Asserts the size of the pages and returns their ids. */
  async function idsOf(path: string, largest = 0): Promise<number[]> {
    const pages = await walk(path);
    expect(pages.length, 'pages').to.be.greaterThan(1);
    for (const { bytes, body } of pages) {
      expect(body.data).not.to.have.length(0);
      expect(bytes).to.be.at.most(Math.max(PAGE_BYTES, largest) + MARGIN);
    }
    return pages.flatMap(({ body }) => body.data.map(({ id }) => id));
  }

  /** Copies of the first message in a conversation of their own. */
  async function store(body: string, count: number, columns: Record<string, string> = {}): Promise<number> {
    const given: Record<string, string> = {
      '"to"': "'{+18045551234}'",
      attachments: "'{}'",
      metadata: "'{}'",
      ...columns,
    };
    const [row] = await sql(
      `with own as (
         insert into participants (address, address_type) select 'store' || count(*), 'alphanumeric' from participants returning id
       ), made as (
         insert into conversations (channel, participant_ids, message_count) select 'email', array[1, id], $1 from own
         returning id, participant_ids
       ), filled as (
         insert into conversation_participants select id, unnest(participant_ids) from made
       ), stored as (
         insert into messages (conversation_id, sender_id, direction, type, "from", body, "timestamp", ${Object.keys(given)})
         select made.id, 1, 'inbound', 'email', 'a@example.com', ${body}, now(), ${Object.values(given)}
         from made, generate_series(1, $1) as n
       )
       select id from made`,
      [count],
    );
    return Number(row?.id);
  }

  const storedIds = async (conversation: number) =>
    (await sql('select id::int from messages where conversation_id = $1 order by id', [conversation])).map(
      ({ id }) => id,
    );

  describe('end at a number of bytes, and have each item once, if', () => {
    it('bodies are large, in every list of messages', async () => {
      const large = 9_900_000;
      const conversation = await store(
        `repeat('x', case n % 5 when 0 then ${large} when 1 then 10 else 1500000 end) || ' large'`,
        6,
      );
      const ids = await storedIds(conversation);
      const own = `/api/conversations/${conversation}/messages?`;
      expect(await idsOf(own, large)).to.deep.equal(ids);
      expect(await idsOf(`${own}order=desc&`, large)).to.deep.equal(ids.toReversed());
      expect(await idsOf(`/api/messages?conversation_id=${conversation}&`, large)).to.deep.equal(
        ids.toReversed(),
      );
      const small = await idsOf(`/api/messages?conversation_id=${conversation}&q=example.com&`, large);
      expect(small).to.deep.equal(ids.toReversed());
    });

    const many = (letter: string) =>
      `array(select repeat('${letter}', 60) || k || '@' || repeat('long.', 45) || 'example' from generate_series(1, 100) as k)`;
    for (const [title, count, columns] of [
      [
        'metadata',
        40,
        {
          metadata: `(select json_object_agg('key' || k, repeat('𝄞', 1024)) from generate_series(1, 50) as k)`,
        },
      ],
      [
        'attachments',
        220,
        {
          attachments: `array(select 'https://example.com/' || repeat('x', 2000) from generate_series(1, 10))`,
        },
      ],
      ['recipients', 100, { '"to"': many('x'), cc: many('y') }],
    ] as const)
      it(`${title} are large`, async () => {
        const conversation = await store(`'x'`, count, columns);
        expect(await idsOf(`/api/messages?conversation_id=${conversation}&`)).to.deep.equal(
          (await storedIds(conversation)).toReversed(),
        );
      });

    it('many recipients have marks', async () => {
      const to = `array(select 'person-' || k || '@' || repeat('long.', 20) || 'example' from generate_series(1, 200) as k)`;
      const conversation = await store(`'x'`, 60, { '"to"': to });
      const own = `from messages where conversation_id = ${conversation}`;
      await sql(`update messages set direction = 'outbound' where conversation_id = ${conversation}`);
      await sql(
        `insert into deliveries (message_id, conversation_id, channel, status, expires_at, provider, provider_message_id, delivery_key)
         select id, conversation_id, 'email', 'sent', now(), 'mail-co', id::text, gen_random_uuid() ${own}`,
      );
      await sql(
        `insert into recipient_marks (message_id, position, mark, occurred_at)
         select id, n, mark, now() from (select id ${own}) as emails
         cross join generate_series(1, 200) as n cross join unnest(array['complained', 'unsubscribed', 'opened', 'clicked']) as mark`,
      );
      expect(await idsOf(`/api/messages?conversation_id=${conversation}&`)).to.deep.equal(
        (await storedIds(conversation)).toReversed(),
      );
    });

    it('messages have many files', async () => {
      const conversation = await store(`'x'`, 220);
      const stored = `from messages cross join generate_series(1, 100) as n where conversation_id = ${conversation}`;
      await sql(`
        with added as (
          insert into media (id, state, content_type, name, source_url, account, error) overriding system value
          select messages.id * 1000 + n, 'failed', 'image/png', 'picture.png', 'https://example.com/', 'text-co',
            json_build_object('code', 'unreachable', 'detail', 'The server did not respond in time.') ${stored}
        )
        select`);
      await sql(
        `insert into message_media (message_id, position, media_id) select messages.id, n, messages.id * 1000 + n ${stored}`,
      );
      expect(await idsOf(`/api/messages?conversation_id=${conversation}&`)).to.deep.equal(
        (await storedIds(conversation)).toReversed(),
      );
    });

    it('conversations have many participants', async () => {
      await sql(`
        with taking_part as (
          insert into participants (address, address_type, name)
          select repeat('p', 60) || n || '@' || repeat('long.', 45) || 'example', 'email', repeat('𝄞', 200) from generate_series(1, 4000) as n
          returning id
        ), made as (
          insert into conversations (channel, participant_ids)
          select 'email', array_agg(id order by id) from taking_part group by id / 100 returning id, participant_ids
        )
        insert into conversation_participants select id, unnest(participant_ids) from made`);
      const ids = await idsOf('/api/conversations?');
      expect(new Set(ids).size).to.equal(ids.length);
      expect(ids).to.have.members((await sql('select id::int from conversations')).map(({ id }) => id));
    });

    it('participants and conversations have much metadata', async () => {
      await sql(`
        with made as (
          insert into participants (address, address_type, external_id, metadata)
          select 'tagged' || n, 'alphanumeric', repeat('𝄞', 255),
            (select jsonb_object_agg('key' || k, repeat('𝄞', 1024)) from generate_series(1, 50) as k)
          from generate_series(1, 40) as n returning id, metadata
        )
        insert into conversations (channel, participant_ids, own_metadata) select 'sms', array[id], metadata from made`);
      for (const name of ['participants', 'conversations']) {
        const ids = await idsOf(`/api/${name}?${name === 'conversations' ? 'sort=id&' : ''}`);
        const stored = (await sql(`select id::int from ${name} order by id`)).map(({ id }) => id);
        expect(ids).to.deep.equal(stored);
      }
    });

    it('participants have many links, of which the latest thousand are returned', async () => {
      await sql(`
        with own as (insert into participants (address, address_type) select 'linked' || n, 'alphanumeric' from generate_series(1, 60) as n returning id)
        insert into participant_links (participant_id, other_id, linked_at, unlinked_at)
        select 1, id, now(), now() from own, generate_series(1, 1100)`);
      const ids = await idsOf('/api/participants?');
      expect(ids).to.deep.equal(
        (await sql('select id::int from participants order by id')).map(({ id }) => id),
      );
      const { links } = (await service.request('GET', '/api/participants/1')).body;
      expect(links).to.have.length(1_000);
      const [last] = await sql('select max(other_id)::int as id from participant_links');
      expect(links.at(-1).participant_id).to.equal(last?.id);
    });
  });

  it('of a timeline have each attempt, receipt and action once', async () => {
    await sql(`update deliveries set provider = 'text-co' where message_id = 1`);
    await sql(`insert into delivery_attempts (message_id, number, provider, started_at, outcome)
      select 1, n, 'text-co', now(), 'unavailable' from generate_series(1, 3) as n`);
    await sql(`insert into delivery_receipts (provider, provider_message_id, message_id, status, occurred_at, payload)
      select 'text-co', 'id-' || n, 1, 'sent', now(), json_build_object('x', repeat('x', 1000000)) from generate_series(1, 11) as n`);
    await sql(`insert into delivery_actions (message_id, action, from_status)
      select 1, 'retry', 'failed' from generate_series(1, 7)`);
    const seen: TimelineEntry[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body } = await service.request(
        'GET',
        `/api/messages/1/timeline?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      expect(status).to.equal(200);
      expect(body.data.length).to.be.at.most(2);
      seen.push(...body.data);
      cursor = body.next_cursor;
    }
    const { entries } = await timelineOf(service, 1);
    expect(seen).to.deep.equal(entries);
    expect(seen.flatMap((entry) => (entry.type === 'attempt' ? entry.attempt.number : []))).to.deep.equal([
      1, 2, 3,
    ]);
    expect(
      seen.flatMap((entry) => (entry.type === 'receipt' ? entry.receipt.provider_message_id : [])),
    ).to.deep.equal(Array.from({ length: 11 }, (_, n) => `id-${n + 1}`));
    expect(seen.filter(({ type }) => type === 'action')).to.have.length(7);
    expect(seen.map(({ at }) => at)).to.deep.equal(seen.map(({ at }) => at).sort());
  });

  it('may have one larger message, which is returned completely', async () => {
    const conversation = await store(`repeat('x', 10000000)`, 1);
    const { body } = await service.request('GET', `/api/conversations/${conversation}/messages`);
    expect([body.data.length, body.next_cursor]).to.deep.equal([1, null]);
    const one: Message = (await service.request('GET', `/api/messages/${body.data[0].id}`)).body;
    expect(one).to.deep.equal(body.data[0]);
    expect(one.body).to.have.length(10_000_000);
  });

  it('wait while clients hold large responses without reading them; small responses do not wait', async () => {
    const conversation = await store(`repeat('x', 10000000)`, 1);
    const [id] = await storedIds(conversation);
    const path = `/api/messages/${id}`;
    const stalled = [await stall(path), await stall(path), await stall(path)];
    let answered = false;
    const waiting = service.request('GET', path).finally(() => {
      answered = true;
    });
    for (let n = 0; n < 20; n++) {
      expect((await service.request('GET', '/api/messages/1')).status).to.equal(200);
      expect((await service.request('GET', '/healthz')).status).to.equal(200);
    }
    expect(answered).to.equal(false);
    for (const socket of stalled) socket.destroy();
    expect((await waiting).status).to.equal(200);
  });

  it('of searches that wait for the budget do not delay other searches', async () => {
    const conversation = await store(`'enormous ' || repeat('x', 10000000)`, 1);
    const [id] = await storedIds(conversation);
    const stalled = await Promise.all(Array.from({ length: 3 }, () => stall(`/api/messages/${id}`)));
    let answered = 0;
    const waiting = Array.from({ length: 4 }, async () => {
      const { status } = await service.request(
        'GET',
        `/api/messages?conversation_id=${conversation}&q=enormous`,
      );
      answered++;
      return status;
    });
    for (let n = 0; n < 20; n++)
      expect((await service.request('GET', '/api/messages?q=hello&limit=1')).status).to.equal(200);
    expect(answered).to.equal(0);
    for (const socket of stalled) socket.destroy();
    for (const status of await Promise.all(waiting)) expect(status).to.equal(200);
  });

  it('of a repeated request record a new message if the first message is deleted while they wait', async () => {
    const conversation = await store(`repeat('x', 10000000)`, 1);
    const [id] = await storedIds(conversation);
    const send = () =>
      service.request(
        'POST',
        '/api/messages/email',
        { ...email, body: 'x'.repeat(9_000_000) },
        { 'idempotency-key': 'deleted-while-waiting' },
      );
    const first = await send();
    expect(first.status).to.equal(202);
    const stalled = await Promise.all(Array.from({ length: 3 }, () => stall(`/api/messages/${id}`)));
    const drawn = async () => (await sql('select last_value::int as id from messages_id_seq'))[0]?.id;
    const repeat = send();
    await until(async () => (await drawn()) > first.body.id, 'the repeat is recorded');
    await sql(`delete from deliveries where message_id = ${first.body.id}`);
    await sql(`delete from messages where id = ${first.body.id}`);
    for (const socket of stalled) socket.destroy();
    const { status, body } = await repeat;
    expect([status, body.body?.length]).to.deep.equal([202, 9_000_000]);
    expect(body.id).to.be.greaterThan(first.body.id);
    expect((await service.request('GET', `/api/messages/${body.id}`)).status).to.equal(200);
  });

  /** A client that reads the beginning of a response. */
  async function stall(path: string): Promise<Socket> {
    const { port, hostname, host } = new URL(service.url);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.write(head('GET', path, { host }));
    await once(socket, 'data');
    return socket.pause();
  }
});

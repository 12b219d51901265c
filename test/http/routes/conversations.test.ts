import { expect } from 'chai';
import type { Conversation, Message } from '../../../sdk/src/index.ts';
import { email, inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('Reading conversations', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
    for (let n = 0; n < 7; n++)
      await service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555000${n}` });
    await service.request('POST', '/api/messages/email', email);
    for (let n = 0; n < 25; n++) {
      await service.request('POST', '/api/webhooks/sms', {
        ...inboundSms,
        from: '+18045550000',
        messaging_provider_id: `m-${n}`,
        body: `Message ${n} ${'.'.repeat(200)}`,
      });
    }
  });
  after(() => service.stop());

  const list = async (search: string): Promise<Conversation[]> =>
    (await service.request('GET', `/api/conversations?${search}`)).body.data;
  const pages = async <T>(path: string): Promise<T[][]> => {
    const found: T[][] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await service.request('GET', `${path}${cursor && `&cursor=${cursor}`}`);
      found.push(body.data);
      cursor = body.next_cursor;
    }
    return found;
  };

  it('lists conversations by their last message, page by page', async () => {
    const found = await pages<Conversation>('/api/conversations?limit=3');
    expect(found.map((page) => page.map(({ id }) => id))).to.deep.equal([
      [1, 8, 7],
      [6, 5, 4],
      [3, 2],
    ]);
  });

  it('returns the participants and the beginning of the last message', async () => {
    const [first] = await list('limit=1');
    expect(first).to.deep.include({ id: 1, channels: ['sms'], message_count: 26 });
    expect(first?.participants.map(({ address }) => address)).to.have.members([
      '+12016661234',
      '+18045550000',
    ]);
    expect(first?.last_message?.preview)
      .to.match(/^Message 24 \.+$/)
      .and.to.have.length(120);
    expect((await service.request('GET', '/api/conversations/1')).body).to.deep.equal(first);
  });

  it('finds the conversations of one participant, or of several participants together', async () => {
    expect(await list('participant=%2B12016661234')).to.have.length(7);
    expect(
      (await list('participant=%2B12016661234&participant=(804)+555-0003')).map(({ id }) => id),
    ).to.deep.equal([4]);
    expect((await list('participant=+18045550003')).map(({ id }) => id)).to.deep.equal([4]);
    expect((await list('participant=User@UseHatchApp.com')).map(({ id }) => id)).to.deep.equal([8]);
    expect(await list('participant=%2B12016661234&participant=contact@gmail.com')).to.have.length(0);
    expect(await list('participant=nobody@x.org')).to.have.length(0);
  });

  it('finds the conversations of one channel, or with activity since a time', async () => {
    expect((await list('type=email')).map(({ id }) => id)).to.deep.equal([8]);
    const [newest] = await list('limit=1');
    expect((await list(`since=${newest?.last_message_at}`)).map(({ id }) => id)).to.deep.equal([1]);
    expect(await list('since=2999-01-01T00:00:00Z')).to.have.length(0);
  });

  it('lists the messages in ascending or descending order of their ids', async () => {
    const forward = (await pages<Message>('/api/conversations/1/messages?limit=10'))
      .flat()
      .map(({ id }) => id);
    const back = (await pages<Message>('/api/conversations/1/messages?limit=7&order=desc'))
      .flat()
      .map(({ id }) => id);
    expect(forward).to.have.length(26);
    expect(forward).to.deep.equal([...forward].sort((a, b) => a - b));
    expect(back).to.deep.equal([...forward].reverse());
  });

  it('uses the same number of queries for a page of one conversation and of many', async () => {
    const { next_cursor } = (await service.request('GET', '/api/conversations?limit=1')).body;
    let queries = 0;
    const count = () => queries++;
    const { knex } = service.service.database;
    const queriesOf = async (limit: number) => {
      queries = 0;
      knex.on('query', count);
      expect(await list(`limit=${limit}&cursor=${next_cursor}`)).to.have.length(limit);
      knex.off('query', count);
      return queries;
    };
    const one = await queriesOf(1);
    expect(one).to.be.within(1, 5);
    expect(await queriesOf(7)).to.equal(one);
  });

  it('uses an index for every list', async () => {
    await query(
      service.databaseUrl,
      `insert into conversations (channel, participant_ids, last_message_at, external_id)
       select 'sms', array[1, 1000 + n], now() - n * interval '1 minute', 'ticket-' || n from generate_series(1, 7000) n`,
    );
    await query(
      service.databaseUrl,
      `insert into participants (address, address_type, external_id)
       select '+1999' || n, 'phone', 'user-' || n from generate_series(1, 7000) n`,
    );
    await query(
      service.databaseUrl,
      `insert into conversation_participants select id, 1 from conversations where id > 8`,
    );
    await query(
      service.databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp")
       select 9 + n % 7000, 1, 'inbound', 'sms', '', '{}', 'x', '{}', '{}', now() from generate_series(1, 21000) n`,
    );
    await query(service.databaseUrl, 'analyze');
    const queries: { sql: string; bindings: unknown[] }[] = [];
    service.service.database.knex.on('query', (query: { sql: string; bindings: unknown[] }) =>
      queries.push(query),
    );
    for (const path of [
      '/api/conversations',
      '/api/conversations?type=sms&since=2024-01-01T00:00:00Z',
      '/api/conversations?participant=%2B12016661234',
      '/api/conversations?participant=%2B18045550003',
      '/api/conversations?participant_external_id=user-7',
      '/api/conversations?external_id=ticket-7',
      '/api/conversations/9/messages',
      '/api/conversations/9/messages?order=desc',
      '/api/conversations/9/messages?after_id=1000',
      '/api/messages',
      '/api/messages?since=2024-01-01T00:00:00Z&until=2999-01-01T00:00:00Z',
      '/api/messages?conversation_id=9',
      '/api/messages?participant=%2B18045550003',
      '/api/messages?status=failed',
      '/api/messages?q=nowhere',
      '/api/participants',
      '/api/participants?address=%2B18045550003',
      '/api/participants?external_id=user-7',
      '/api/participants/1',
      '/api/messages/1',
      '/api/messages/1/attempts',
    ]) {
      expect((await service.request('GET', path)).status, path).to.equal(200);
    }
    expect(queries.length).to.be.greaterThan(12);
    for (const { sql, bindings } of queries.filter(({ sql }) => /^(select|with)/.test(sql))) {
      const rows = await service.service.database.knex.raw(
        `explain (analyze, timing off) ${sql.replace(/\$\d+/g, '?')}`,
        bindings as never,
      );
      const plan = rows.rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n');
      expect(plan, `${sql}\n${plan}`).not.to.match(
        /Seq Scan on (messages|conversations|conversation_participants|participants)\b/,
      );
    }
  });

  it('previews the text that a reader of an email sees, in one line', async () => {
    const style = `<!DOCTYPE html><html><head><style>${'p { color: red } '.repeat(300)}</style></head><body>`;
    const cases: [parts: object, preview: string][] = [
      [{ html: '<p>Hello</p>', text: ' Hello,\r\n\r\n\tAda ' }, 'Hello, Ada'],
      [
        { html: `${style}<!-- <b> --><p>It&rsquo;s <b>her</b>e.</p><p>Ada</p>`, text: ' \n' },
        'It’s here. Ada',
      ],
      [{ html: `<p>${'😀'.repeat(200)}</p>` }, '😀'.repeat(120)],
      [{ html: `<script>${'x'.repeat(9_000)}</script>Hello` }, ''],
      [{ html: `Hello <img alt="${'x'.repeat(9_000)}">` }, 'Hello'],
      [{ text: 'a < b\n<ada@example.com>' }, 'a < b <ada@example.com>'],
    ];
    for (const [n, [parts, preview]] of cases.entries()) {
      const { body: _body, ...rest } = { ...email, to: `preview-${n}@example.com` };
      await service.request('POST', '/api/messages/email', { ...rest, ...parts });
      const [shown] = await list(`participant=preview-${n}@example.com`);
      expect(shown?.last_message?.preview, JSON.stringify(parts).slice(0, 80)).to.equal(preview);
    }
  });
});

describe('Paging through conversations while messages arrive', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  let received = 0;
  const receive = (customer: number) =>
    service.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      from: `+1804555${1_000 + customer}`,
      messaging_provider_id: `p-${received++}`,
    });
  const pageThrough = async (
    limit: number,
    between: () => Promise<unknown>,
    more = '',
  ): Promise<number[]> => {
    const ids: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body } = await service.request(
        'GET',
        `/api/conversations?limit=${limit}${more}${cursor && `&cursor=${cursor}`}`,
      );
      expect(status, JSON.stringify(body)).to.equal(200);
      ids.push(...body.data.map(({ id }: Conversation) => id));
      cursor = body.next_cursor;
      await between();
    }
    return ids;
  };

  it('lists the most recently active conversations first, in the order of activity and id', async () => {
    for (let customer = 0; customer < 6; customer++) await receive(customer);
    for (const customer of [0, 3]) await receive(customer);
    const { data } = (await service.request('GET', '/api/conversations')).body;
    expect(data.map(({ id }: Conversation) => id)).to.deep.equal([4, 1, 6, 5, 3, 2]);
    expect(await pageThrough(2, async () => undefined)).to.deep.equal([4, 1, 6, 5, 3, 2]);
  });

  it('returns each conversation once with sort=id and 16 writers', async () => {
    const customers = 60;
    await Promise.all(Array.from({ length: customers }, (_, customer) => receive(customer)));
    let writing = true;
    const writer = async () => {
      while (writing) expect((await receive(Math.floor(Math.random() * customers))).status).to.equal(200);
    };
    const writers = Array.from({ length: 16 }, writer);
    try {
      for (let round = 0; round < 4; round++) {
        const found = await pageThrough(7, async () => undefined, '&sort=id');
        expect(found).to.deep.equal(Array.from({ length: customers }, (_, index) => index + 1));
      }
    } finally {
      writing = false;
      await Promise.all(writers);
    }
  });
});

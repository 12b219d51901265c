import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pLimit from 'p-limit';
import pg from 'pg';
import { FIND_EXISTING } from '../../../src/messaging/recording/replays.ts';
import { type EmbeddedDatabase, startEmbedded } from '../../../src/service/local/embedded.ts';
import { inboundEmail, inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

describe('Recording', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness({ ROLE: 'api' });
  });
  afterEach(() => service.stop());

  const receive = (n: number, body: object = {}) =>
    service.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      from: `+1804555${1000 + (n % 50)}`,
      messaging_provider_id: `m-${n}`,
      ...body,
    });

  it('responds 422 to one message that PostgreSQL refuses, and 200 to the others of its batch', async () => {
    await query(
      service.databaseUrl,
      `create function refuse() returns trigger language plpgsql as $$
       begin raise 'no such text' using errcode = 'invalid_text_representation'; end $$`,
    );
    await query(
      service.databaseUrl,
      `create trigger refuse before insert on messages for each row when (new.body = 'poison') execute function refuse()`,
    );
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => receive(n, n === 17 ? { body: 'poison' } : {})),
    );
    expect(answers[17]?.status).to.equal(422);
    expect(answers[17]?.body.errors[0].message).to.contain('no such text');
    expect(answers.filter(({ status }) => status === 200)).to.have.length(39);
    expect(await query(service.databaseUrl, 'select from messages')).to.have.length(39);
    const { data } = (await service.request('GET', '/api/conversations?limit=200')).body;
    expect(data, 'no conversation without a message').to.have.length(39);
  });

  it('records concurrent messages of the same new conversations without an error', async () => {
    // Enough concurrent requests to fill each batch, and not so many that the service refuses one.
    const limit = pLimit(256);
    const answers = await limit.map(Array(2_000).keys(), (n) => receive(n));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
    const [row] = await query(
      service.databaseUrl,
      'select count(*)::int as conversations, sum(message_count)::int as messages from conversations',
    );
    expect(row).to.deep.equal({ conversations: 50, messages: 2_000 });
  });

  const large = 'x'.repeat(4_000_000);
  const sent = { from: 'shop@example.com', to: 'ada@example.com', html: '<p>Hello</p>' };
  for (const [title, path, content] of [
    ['large bodies', 'webhooks/email', { ...inboundEmail, body: large }],
    ['large unknown fields', 'webhooks/email', { ...inboundEmail, campaign: { notes: [large] } }],
    ['large texts beside HTML', 'messages/email', { ...sent, text: large }],
  ] as const)
    it(`responds 503 while the queue is full of ${title}, and 200 afterwards`, async () => {
      const blocker = await block();
      const requests = Array.from({ length: 10 }, (_, n) =>
        service.request('POST', `/api/${path}`, {
          ...content,
          ...('html' in content ? { subject: `${n}` } : { xillio_id: `big-${n}` }),
        }),
      );
      expect((await Promise.race(requests)).status, 'while no message can be written').to.equal(503);
      await blocker.end();
      const answers = await Promise.all(requests);
      const statuses = answers.map(({ status }) => status);
      const refused = answers.filter(({ status }) => status === 503);
      expect(refused.length, statuses.join()).to.be.greaterThan(0);
      expect(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1)).to.equal(true);
      const recorded = statuses.filter((status) => status === 200 || status === 202);
      expect(recorded).to.have.length(10 - refused.length);
      expect(await query(service.databaseUrl, 'select from messages')).to.have.length(10 - refused.length);
    });

  it('responds 503 to all requests of a batch after one timeout of the database', async () => {
    const other = await startHarness({
      ROLE: 'api',
      DATABASE_URL: `${service.databaseUrl}?statement_timeout=500`,
    });
    const blocker = await block();
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) => {
        const event = { ...inboundSms, messaging_provider_id: `late-${n}` };
        return other.request('POST', '/api/webhooks/sms', event);
      }),
    );
    expect(performance.now() - started, 'one timeout per request would be 30 s').to.be.lessThan(15_000);
    await blocker.end();
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([503]));
    expect((await receive(1)).status).to.equal(200);
    await other.stop();
  });

  it('responds 503 to one message that an unknown index refuses, and records the others of its batch once', async () => {
    // The additional index refuses a message, but its idempotency key does not identify an earlier message.
    await query(service.databaseUrl, `create unique index on messages (body) where body = 'only once'`);
    await service.request('POST', '/api/messages/sms', { ...sms, body: 'only once' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => {
        const repeated = n === 7;
        const to = `+1804555${2_000 + n}`;
        return service.request(
          'POST',
          '/api/messages/sms',
          { ...sms, to, ...(repeated && { body: 'only once' }) },
          repeated ? { 'idempotency-key': 'another-key' } : {},
        );
      }),
    );
    expect(answers[7]?.status).to.equal(503);
    expect(answers.filter(({ status }) => status === 202)).to.have.length(19);
    expect(await query(service.databaseUrl, 'select from messages')).to.have.length(20);
  });

  it('finds replayed messages after a column was added to the table', async () => {
    const keyed = () =>
      service.request('POST', '/api/messages/sms', sms, { 'idempotency-key': 'before-and-after' });
    const first = await keyed();
    expect((await keyed()).headers.get('idempotent-replayed')).to.equal('true');
    await query(service.databaseUrl, 'alter table messages add column later text');
    const again = await keyed();
    expect(again.status).to.equal(202);
    expect(again.body).to.deep.equal(first.body);
  });

  it('finds replayed messages by an index', async () => {
    await receive(1);
    await query(
      service.databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
         provider, provider_message_id, "timestamp")
       select conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata,
         provider, 'copy-' || n, "timestamp" from messages, generate_series(1, 20000) as n`,
    );
    await query(
      service.databaseUrl,
      `insert into idempotency_keys select 'shop', 'key-' || id, 'send', '', id from messages`,
    );
    await query(service.databaseUrl, 'analyze');
    const plan = await query<{ 'QUERY PLAN': string }>(service.databaseUrl, `explain ${FIND_EXISTING.text}`, [
      ['shop'],
      ['a-key'],
      ['text-co', 'text-co'],
      ['copy-1', 'copy-2'],
    ]);
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).to.contain('idempotency_keys_pkey').and.to.contain('messages_inbound_key');
    expect(text).not.to.contain('Seq Scan on messages');
  });

  /** Blocks all writes of messages until the returned client is ended. */
  async function block(): Promise<pg.Client> {
    const blocker = new pg.Client({ connectionString: service.databaseUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('lock table messages in exclusive mode');
    return blocker;
  }
});

describe('Recording while the database is stopped and started', function () {
  this.timeout(90_000);
  let directory: string;
  let database: EmbeddedDatabase;
  let service: Harness;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-outage-'));
    database = await startEmbedded(directory);
    service = await startHarness({ ROLE: 'api', DATABASE_URL: database.url });
  });
  after(async () => {
    await service.stop();
    await database.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('responds to every request, stores every acknowledged message, and recovers without a restart', async () => {
    const kept: number[] = [];
    const statuses = new Map<number, number>();
    let lastId = 0;
    let running = true;
    const writer = async () => {
      while (running) {
        const { status, headers, body } = await service.request('POST', '/api/webhooks/sms', {
          ...inboundSms,
          messaging_provider_id: `o-${++lastId}`,
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) kept.push(body.id);
        else expect(headers.get('retry-after')).to.match(/^\d+$/);
      }
    };
    const writers = Promise.all(Array.from({ length: 16 }, writer));
    const { port } = new URL(database.url);
    for (let outage = 1; outage <= 2; outage++) {
      const before = kept.length;
      await until(() => kept.length > before + 200, 'messages are recorded');
      await database.stop();
      const failures = statuses.get(503) ?? 0;
      await until(() => (statuses.get(503) ?? 0) > failures + 20, 'requests fail with 503');
      database = await startEmbedded(directory, { port: Number(port) });
      const recovered = kept.length;
      await until(() => kept.length > recovered, 'messages are recorded again');
      expect((await service.request('GET', '/readyz')).status).to.equal(200);
    }
    running = false;
    await writers;
    expect([...statuses.keys()].sort()).to.deep.equal([200, 503]);
    const stored = await query<{ id: string }>(database.url, 'select id from messages where id = any($1)', [
      kept,
    ]);
    expect(stored).to.have.length(kept.length);
  });
});

import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { request } from 'undici';
import { ConnectionError, createClient } from '../../sdk/src/index.ts';
import { UnavailableError } from '../../src/errors.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { createExport } from '../../src/privacy/export/export.ts';
import * as table from '../../src/privacy/export/items.ts';
import { faultsBy } from '../conformance/contract.ts';
import { rejection } from '../sdk/support.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { store } from '../support/webhooks.ts';

const ADA = '+18045551234';
const ADA_MAIL = 'ada@example.com';
const BOB = '+18045550000';

interface Line {
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the assertions of the test check the fields
  data: any;
}

const wordIn = (sql: string, word: string) => new RegExp(`\\b${word}\\b`).test(sql);

/** Tables whose rows belong to the service, to an endpoint, or to a file or message of the export. */
const TABLES_LEFT_OUT = new Set([
  ...[
    'consent_key',
    'conversation_participants',
    'endpoint_deliveries',
    'endpoints',
    'erased_content',
    'feed_state',
  ],
  ...[
    'function_schemas',
    'knex_migrations',
    'knex_migrations_lock',
    'media_chunks',
    'media_fetches',
    'media_objects',
  ],
  ...[
    'migration_digests',
    'pending_regroupings',
    'rate_limit_slots',
    'removed_objects',
    'retention_positions',
  ],
  ...['retention_skipped', 'unavailable_providers'],
]);
/** Hashes, keys, leases, positions in queues, and what is computed from other columns. */
const COLUMNS_LEFT_OUT = [
  'conversations.people_ids',
  ...[
    'accounts',
    'channel',
    'delivery_key',
    'next_attempt_at',
    'pending',
    'recipient_hashes',
    'retry_count',
  ].map((column) => `deliveries.${column}`),
  ...['deliveries.sender_slot_at', 'delivery_actions.from_expires_at', 'delivery_receipts.dedupe_key'],
  ...[
    'delivery_receipts.delivery_key',
    'delivery_receipts.of_one',
    'emails.unsubscribe_key',
    'endpoint_attempts.id',
  ],
  ...[
    'erasures.inner_position',
    'erasures.last_message_id',
    'erasures.position',
    'erasures.step',
    'erasures.waits',
    'event_inbox.id',
  ],
  ...[
    'idempotency_keys.request_hash',
    'inbound_copies.copy_key',
    'inbound_copies.first_id',
    'media.object_id',
  ],
  ...[
    'messages.document',
    'messages.traceparent',
    'participants.erasure_id',
    'suppression_changes.address_hash',
  ],
  ...[
    'suppressions.address_hash',
    'webhook_inbox.digest',
    'webhook_inbox.leased',
    'webhook_inbox.next_attempt_at',
  ],
];

describe('GET /api/participants/{id}/export', () => {
  let service: Harness;
  /** Texts of each stored field about Ada, and of fields that are not about her. */
  const own: string[] = [];
  const foreign: string[] = [];
  const mark = (name: string, list = own) => {
    const text = `${list === own ? 'own' : 'foreign'}-${name}-mark`;
    list.push(text);
    return text;
  };
  const json = (name: string) => JSON.stringify({ text: mark(name), large: '12345678901234567890' });
  const file = randomBytes(600_000);
  const webhook = Buffer.from(`${'x '.repeat(140_000)} ada%40example.com ${mark('large-webhook')}`);

  before(async () => {
    service = await startHarness();
    const { pool } = service.service.database;
    const objects = createPostgresStore(pool);
    const parts = async function* (content: Buffer) {
      yield content;
    };
    const [picture, raw, body] = [
      ...[await objects.write(parts(file)), await objects.write(parts(Buffer.from(mark('raw'))))],
      await objects.write(parts(webhook)),
    ] as const;
    const hash = (address: string) => `'\\x${hashAddress(address)}'`;
    await query(
      service.databaseUrl,
      `
      insert into participants (address, address_type, name, external_id, metadata, person_id) values
        ('+12016661234', 'phone', null, null, '{}', null),
        ('${ADA}', 'phone', '${mark('name')}', '${mark('external')}', '${json('metadata')}', null),
        ('${ADA_MAIL}', 'email', '${mark('email-name')}', null, '{}', 2),
        ('${BOB}', 'phone', '${mark('bob', foreign)}', null, '{}', null),
        ('shop@example.com', 'email', null, null, '{}', null);
      insert into participant_links (participant_id, other_id) values (2, 3);
      insert into conversations (channel, participant_ids, external_id, own_metadata) values
        ('sms', '{1,2}', '${mark('conversation')}', '${json('own-metadata')}'), ('email', '{3,5}', null, '{}'),
        ('sms', '{1,4}', '${mark('other-conversation', foreign)}', '{}'), ('email', '{4,5}', null, '{}');
      insert into conversation_participants values (1, 1), (1, 2), (2, 3), (2, 5), (3, 1), (3, 4), (4, 4), (4, 5);
      insert into messages (conversation_id, sender_id, direction, type, "from", "to", bcc, reply_to, subject, body, attachments,
        metadata, provider, provider_message_id, payload, actor, timestamp)
      values
        (1, 2, 'inbound', 'mms', '${ADA}', '{+12016661234}', null, null, null, '${mark('inbound')}', '{${mark('url')}}', '{}',
          'text-co', 'in-1', '${json('payload').replace('"12345678901234567890"', '12345678901234567890')}', null, now()),
        (1, 1, 'outbound', 'sms', '+12016661234', '{${ADA}}', null, null, null, '${mark('outbound')}', '{}', '${json('pairs')}',
          null, null, null, '${mark('actor')}', now()),
        (2, 3, 'inbound', 'email', '${ADA_MAIL}', '{shop@example.com}', null, '${mark('reply-to')}', '${mark('subject')}', 'Hi', '{}',
          '{}', 'mail-co', 'in-2', null, null, now()),
        (3, 1, 'outbound', 'sms', '+12016661234', '{${BOB}}', null, null, null, '${mark('to-bob', foreign)}', '{}', '{}', null, null,
          null, null, now()),
        (4, 5, 'outbound', 'email', 'shop@example.com', '{bob@example.com}', '{${ADA_MAIL}}', null, null, '${mark('bcc')}', '{}',
          '{}', null, null, null, null, now()),
        (4, 5, 'outbound', 'email', 'shop@example.com', '{bob@example.com}', null, null, 'To ada, example.com, and ada@example.com.au',
          '${mark('no-bcc', foreign)}', '{}', '{}', null, null, null, null, now());
      insert into emails (message_id, is_html, text, stripped_text, headers, names, url_files, internet_message_id, spam, delivered_to,
        reference_ids)
      values (3, true, '${mark('text')}', '${mark('stripped')}', '${json('headers')}', '${json('names')}', '${json('url-files')}',
        '${mark('message-id')}', '${json('spam')}', '{${mark('delivered-to')}}', '{${mark('reference')}}');
      insert into email_message_ids values ('${mark('wire-id')}', 3);
      insert into deliveries (message_id, conversation_id, channel, status, error, provider, provider_message_id, delivery_key,
        expires_at)
      values (2, 1, 'sms', 'failed', '${json('error')}', 'text-co', '${mark('provider-id')}', '${randomUUID()}', now());
      insert into delivery_recipients values (2, 1, '${ADA}', 'failed', '${json('recipient-error')}', 'text-co', null, now());
      insert into delivery_attempts (message_id, number, provider, started_at, outcome, code, detail)
      values (2, 1, 'text-co', now(), 'rejected', '${mark('code')}', '${mark('detail')}');
      insert into delivery_receipts (provider, provider_message_id, message_id, status, error, occurred_at, payload, recipient) values
        ('text-co', 'out-1', 2, 'failed', '${json('receipt-error')}', now(), '${json('receipt')}', null),
        ('text-co', 'early', null, 'sent', null, now(), '{"to": "18045551234", "text": "${mark('early')}"}', null),
        ('text-co', 'other', null, 'sent', null, now(), '{"text": "${mark('other-receipt', foreign)}"}', '${BOB}');
      insert into delivery_actions (message_id, action, from_status, actor) values (2, 'retry', 'failed', '${mark('action')}');
      insert into recipient_marks values (2, 1, 'opened', now());
      insert into idempotency_keys (api_key_name, key, operation, message_id) values ('', '${mark('key')}', 'send', 2);
      insert into inbound_copies values ('text-co', 'in-1', 'k', '${mark('copy')}', 'in-1', now()),
        ('text-co', 'in-1b', 'k', '${mark('second-copy')}', 'in-1', now());
      insert into opt_outs (account, address, action, keyword, source) values ('text-co', '${ADA}', 'stop', '${mark('keyword')}', 'webhook');
      insert into suppressions (address_hash, address, channel, scope, reasons, note) values
        (${hash(ADA)}, '${ADA}', 'sms', 'all', '{manual}', '${mark('note')}'), (${hash(BOB)}, '${BOB}', 'sms', 'all', '{manual}', '${mark('bob-note', foreign)}');
      insert into suppression_changes (suppression_id, address_hash, channel, scope, change, reason, reasons, note) values
        (1, ${hash(ADA)}, 'sms', 'all', 'added', 'manual', '{manual}', '${mark('change')}');
      insert into erasures (participant_id, participant_ids, person, state, step, actor, completed_at) values
        (2, '{2,3}', true, 'completed', 'done', '${mark('eraser')}', now());
      insert into media (state, object_id, content_type, size, sha256, name) values
        ('stored', '${picture.id}', 'image/png', ${picture.size}, '\\x${picture.sha256.toString('hex')}', '${mark('file')}'),
        ('stored', '${raw.id}', 'message/rfc822', ${raw.size}, '\\x${raw.sha256.toString('hex')}', null);
      insert into message_media (message_id, position, media_id, name) values (1, 1, 1, '${mark('own-name')}'), (2, 1, 1, null);
      update emails set raw_media_id = 2;
      insert into webhook_inbox (account, state, target, headers, object_id, object_bytes, digest)
      values ('mail-co', 'quarantined', '/?token=secret&text=${mark('target')}', '{}', '${body.id}', ${body.size}, 'x');
      insert into endpoints (url, secret, position) values ('https://example.com', 'secret-of-endpoint', 0);
      create table test_events partition of events for values from (5000000) to (6000000);
      insert into events (id, type, subject_id, conversation_id, changes, created_at)
      select 5000000 + id, type, subject, conversation, changes::jsonb, now()
      from (values (1, 'message.failed', 2, 1, '${json('event')}'), (2, 'recipient.bounced', 5, 4, '${json('bcc-event')}'),
        (3, 'message.sent', 6, 4, '{"text": "${mark('other-event', foreign)}"}')) as event(id, type, subject, conversation, changes);
      insert into endpoint_attempts (endpoint_id, event_id, number, started_at, outcome, response_body) values
        (1, 5000001, 1, now(), 'succeeded', '${mark('echo')}');
      `,
    );
    await store(service.databaseUrl, JSON.stringify({ from: ADA, text: mark('webhook') }));
    await store(service.databaseUrl, JSON.stringify({ from: BOB, text: mark('bob-webhook', foreign) }));
  });
  after(() => service?.stop());

  const exported = async (path: string) => {
    const { statusCode, headers, body } = await request(service.url + path);
    const text = await body.text();
    const lines =
      statusCode === 200
        ? text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Line)
        : [];
    return { statusCode, headers, text, lines };
  };
  it('has every column of the database, except those that say nothing about a person', async () => {
    const columns = await query<{ name: string }>(
      service.databaseUrl,
      `select relname || '.' || attname as name
       from pg_attribute join pg_class on pg_class.oid = attrelid
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and attnum > 0 and not attisdropped
       order by 1`,
    );
    const shown = Object.values(table).flat();
    const missing = columns.filter(({ name }) => {
      const [relation = '', column = ''] = name.split('.');
      const texts = shown.filter(({ from, fields }) =>
        [from, ...fields].some((sql) => wordIn(sql, relation)),
      );
      return (
        !TABLES_LEFT_OUT.has(relation) &&
        !texts.some(({ fields }) => fields.some((sql) => wordIn(sql, column)))
      );
    });
    expect(missing.map(({ name }) => name)).to.have.members(COLUMNS_LEFT_OUT);
  });

  const contentOf = (lines: Line[], type: string, field: string, id: number) =>
    Buffer.concat(
      lines
        .filter(({ type: own, data }) => own === type && data[field] === id)
        .map(({ data }) => Buffer.from(data.content, 'base64')),
    );

  it('has every stored field about the person, and nothing about others', async () => {
    const { headers, text, lines } = await exported('/api/participants/2/export?person=true');
    expect(headers['content-type']).to.equal('application/x-ndjson');
    expect(headers['content-disposition']).to.equal('attachment; filename="participant-2.ndjson"');
    const contents = [
      contentOf(lines, 'media_content', 'media_id', 2),
      contentOf(lines, 'webhook_content', 'webhook_id', 1),
    ];
    const all = [text, ...contents].join('\n');
    expect(own.filter((marker) => !all.includes(marker))).to.deep.equal([]);
    expect(foreign.filter((marker) => all.includes(marker))).to.deep.equal([]);
    expect(contentOf(lines, 'media_content', 'media_id', 1).equals(file)).to.equal(true);
    expect(text)
      .to.include('12345678901234567890}')
      .and.not.match(/token=secret|secret-of-endpoint|\d [+-]\d\d:?\d\d"/);
    for (const line of lines)
      expect(faultsBy({ $ref: '#/components/schemas/ExportLine' }, line)).to.equal(null);
    const counts: Record<string, number> = {};
    for (const { type } of lines.slice(1, -1)) counts[type] = (counts[type] ?? 0) + 1;
    expect([lines[0]?.type, lines[0]?.data.participant_ids]).to.deep.equal(['header', [2, 3]]);
    expect(lines.at(-1)).to.deep.equal({ type: 'end', data: { counts } });
    expect(counts).to.include({
      participant: 2,
      message: 4,
      media: 2,
      event: 2,
      webhook: 2,
      receipt: 2,
      copy: 2,
    });
  });

  it('can be of one address and without files, and is refused for unknown participants', async () => {
    const { lines } = await exported('/api/participants/2/export?files=false');
    const types = lines.map(({ type }) => type);
    expect(types.filter((type) => type === 'participant')).to.have.length(1);
    expect(types).to.include('media').and.not.include('media_content');
    expect(lines.filter(({ type, data }) => type === 'message' && data.type === 'email')).to.deep.equal([]);
    expect((await exported('/api/participants/99/export')).statusCode).to.equal(404);
    expect((await exported('/api/participants/2/export?person=maybe')).statusCode).to.equal(422);
  });

  it('reads pages of bounded size, and each row once', async () => {
    await query(
      service.databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, timestamp)
       select 1, 1, 'outbound', 'sms', '+12016661234', '{${ADA}}', repeat('x', case when n between 100 and 104 then 200000 else 10 end), '{}', '{}',
         now()
       from generate_series(1, 250) as n`,
    );
    const { lines } = await exported('/api/participants/2/export?files=false');
    const ids = lines.flatMap(({ type, data }) => (type === 'message' ? [data.id] : []));
    expect(ids).to.have.length(252);
    expect(new Set(ids).size).to.equal(252);
  });

  it('frees its slot when a client disconnects, and the SDK refuses an export without its last line', async () => {
    const proxy = await startProxy(service.url);
    try {
      const { participants } = createClient({ baseUrl: proxy.url });
      const types = async () => {
        const found = new Set<string>();
        for await (const { type } of participants.export(2, { person: true })) found.add(type);
        return [...found];
      };
      const first = [];
      for (let n = 0; n < 3; n++)
        for await (const line of participants.export(2)) {
          first.push(line.type);
          break;
        }
      expect(first).to.deep.equal(['header', 'header', 'header']);
      const all = await until(() => types().catch(() => null), 'a slot is free');
      expect(all).to.include.members(['header', 'message', 'webhook_content', 'end']);
      proxy.faults.push({ type: 'cut_response' });
      const error = await rejection(types());
      expect(error).to.be.instanceOf(ConnectionError).with.property('message', 'The export is incomplete.');
    } finally {
      await proxy.stop();
    }
  });

  it('runs at most twice at the same time, and leaves out rows that are deleted during it', async () => {
    const { knex, pool } = service.service.database;
    const objects = createPostgresStore(pool);
    /** Called before each read of an object. */
    let beforeRead = async () => undefined as unknown;
    const read = async function* (...range: Parameters<typeof objects.read>) {
      await beforeRead();
      yield* objects.read(...range);
    };
    const start = createExport({
      ...{ knex, hashAddress, redactTarget: (target: string) => target },
      store: { ...objects, read },
    });
    const [first, second] = [start(2, {}), start(2, {})];
    await Promise.all([first.next(), second.next()]);
    expect(await rejection(start(2, {}).next())).to.be.instanceOf(UnavailableError);
    await Promise.all([first.return(undefined), second.return(undefined)]);

    const typesOf = async (query: object) => {
      let text = '';
      for await (const part of start(2, query)) text += part;
      return new Set(
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line).type),
      );
    };
    const run = (sql: string) => query(service.databaseUrl, sql);
    await run('create table kept as select * from media_chunks; delete from media_chunks');
    expect(await rejection(typesOf({})))
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.includes('has no bytes');
    await run('insert into media_chunks select * from kept; drop table kept');
    beforeRead = () =>
      run(`delete from webhook_inbox where object_id is not null; delete from media_chunks;
      update media set state = 'removed', object_id = null, sha256 = null`);
    const types = await typesOf({ person: true });
    expect([...types])
      .to.include.members(['media', 'webhook', 'end'])
      .and.not.include('media_content');
    expect(types).to.not.include('webhook_content');
  });
});

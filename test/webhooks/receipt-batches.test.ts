import { expect } from 'chai';
import { Caches } from '../../src/db/caches.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { createReceiptRecorder, type NewReceipt } from '../../src/delivery/receipts.ts';
import { addressParserOf } from '../../src/messaging/address.ts';
import { createRecorder } from '../../src/messaging/recording/record.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { sendgridWebhooks } from '../../src/providers/sendgrid/webhook.ts';
import { IncomingWebhook } from '../../src/providers/webhook.ts';
import { loadConfig } from '../../src/service/service.ts';
import { createWebhooks, type Webhooks } from '../../src/webhooks/create.ts';
import { changesOf } from '../support/consent.ts';
import { query } from '../support/database.ts';
import {
  consentKey,
  environmentFor,
  type Harness,
  hashAddress,
  secretKey,
  startHarness,
} from '../support/harness.ts';
import { until } from '../support/until.ts';

/** SendGrid sends the events of many messages in one webhook. The account of the test reads its webhooks as those of SendGrid. */
describe('A webhook with many receipts', () => {
  let service: Harness;
  let database: Database;
  let webhooks: Webhooks;
  let account: Provider;
  before(async () => {
    service = await startHarness();
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
    const config = {
      ...loadConfig(environmentFor(service.simulator.url, service.databaseUrl)),
      ...{ consentKey, secretKeys: [secretKey] },
    };
    const providers = createRegistry(config.accounts, config.providerTimeoutMs);
    const events = createEvents(createLogger('silent'));
    database = openDatabase(service.databaseUrl, () => undefined);
    const { pool } = database;
    webhooks = createWebhooks({
      ...{ config, providers, database, events, parseAddress: addressParserOf('US') },
      recorder: createRecorder({
        pool,
        events,
        hashAddress,
        caches: new Caches(),
        onRecorded: () => undefined,
      }),
      receipts: createReceiptRecorder(pool, events),
      onQuarantined: () => undefined,
    });
    account = { ...(providers.email[0] as Provider), ...sendgridWebhooks([]) };
  });
  after(async () => {
    await database?.close();
    await service?.stop();
  });

  const deliver = (events: object[]) =>
    webhooks.receive(
      account,
      new IncomingWebhook({
        ...{ headers: { 'content-type': 'application/json' }, target: '/api/webhooks/mail-co' },
        ...{ publicUrl: null, readBody: async () => Buffer.from(JSON.stringify(events)) },
      }),
      async () => undefined,
    );
  const eventsOf = (name: string, count: number) =>
    Array.from({ length: count }, (_none, n) => ({
      ...{ sg_message_id: `${name}-${n}`, email: `${name}-${n}@example.com`, event: 'delivered' },
      timestamp: 1_730_469_602,
    }));
  /** The number of receipts, and of the transactions that stored them. */
  const stored = async (name: string) =>
    (
      await query<{ receipts: number; transactions: number }>(
        service.databaseUrl,
        `select count(*)::int as receipts, count(distinct xmin::text)::int as transactions from delivery_receipts
         where provider_message_id like $1`,
        [`${name}%`],
      )
    )[0];

  it('stores and applies all of them in one transaction, once', async () => {
    const to = ['bounced', 'complained', 'other'].map((name) => `${name}@example.com`);
    const { body } = await service.request('POST', '/api/messages/email', {
      ...{ from: 'shop@example.com', to, subject: 'News', body: 'Hello' },
    });
    const { provider_message_id: id } = await service.untilStatus(body.id, 'sent');
    const event = (email: string | undefined, name: string, more: object = {}) => ({
      ...{ sg_message_id: `${id}.filter1`, email, event: name, timestamp: 1_730_469_602, ...more },
    });
    const events = [
      ...to.map((email) => event(email, 'delivered', { 'smtp-id': '<other-id@mail.example.com>' })),
      ...eventsOf('news-copy', 300),
      event(to[0], 'bounce', { reason: '550 No such mailbox', status: '5.1.1', type: 'bounce' }),
      event(to[1], 'spamreport'),
    ];
    for (let repeat = 0; repeat < 2; repeat++) await deliver(events);
    expect(await stored('')).to.deep.equal({ receipts: 305, transactions: 1 });
    const message = (await service.request('GET', `/api/messages/${body.id}`)).body;
    expect(message.status).to.equal('undelivered');
    expect(message.recipients.map(({ status }: { status: string }) => status)).to.deep.equal([
      ...['undelivered', 'delivered', 'delivered'],
    ]);
    expect(message.marks.map(({ address }: { address: string }) => address)).to.deep.equal([to[1]]);
    expect(await changesOf(service, to[0] as string)).to.deep.equal(['added hard_bounce']);
    expect(await changesOf(service, to[1] as string)).to.deep.equal(['added complaint']);
    expect(await changesOf(service, to[2] as string)).to.deep.equal([]);
    const ids = await query<{ internet_message_id: string }>(
      service.databaseUrl,
      'select internet_message_id from email_message_ids where message_id = $1 order by 1',
      [body.id],
    );
    expect(ids.map(({ internet_message_id: id }) => id)).to.include('other-id@mail.example.com');
  });

  it('stores more than 2,000 in several transactions', async () => {
    await deliver(eventsOf('large', 2_001));
    expect(await stored('large')).to.deep.equal({ receipts: 2_001, transactions: 2 });
  });

  it('locks conversations before deliveries, as a transaction that settles messages does', async () => {
    const send = async (to: string) => {
      const email = { from: 'shop@example.com', to, subject: 'News', body: 'Hello' };
      const { id } = (await service.request('POST', '/api/messages/email', email)).body;
      await service.untilStatus(id, 'sent');
      const forget =
        "update deliveries set status = 'unknown', provider_message_id = null where message_id = $1 returning *";
      const [row] = await query<{ conversation_id: string; delivery_key: string }>(
        service.databaseUrl,
        forget,
        [id],
      );
      return { id, conversation: Number(row?.conversation_id), deliveryKey: row?.delivery_key as string };
    };
    const [first, second] = [await send('first@example.com'), await send('second@example.com')];
    const receipt = (name: string, echo: NewReceipt['echo']): NewReceipt => ({
      ...{
        provider: 'mail-co',
        provider_message_id: name,
        recipient: null,
        of_one: false,
        dedupe_key: name,
        status: 'delivered',
      },
      ...{ error: null, bounce: null, wire_message_id: null, occurred_at: new Date(), payload: {}, echo },
    });
    const ofMessage = ({ id, deliveryKey }: typeof first) =>
      receipt(`lock-${id}`, { messageId: id, deliveryKey });
    // The second statement has the receipt of the first conversation.
    const others = Array.from({ length: 255 }, (_none, n) => receipt(`lock-other-${n}`, null));
    const recorder = createReceiptRecorder(database.pool, createEvents(createLogger('silent')));

    const settling = await database.pool.connect();
    const lock = ({ conversation }: typeof first) =>
      settling.query('select from conversations where id = $1 for no key update', [conversation]);
    let recording: ReturnType<typeof recorder.recordAll> | undefined;
    try {
      await settling.query("begin; set local deadlock_timeout = '10ms'");
      await lock(first);
      recording = recorder.recordAll([ofMessage(second), ...others, ofMessage(first)]);
      await until(async () => {
        const waiting =
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        return (await query(service.databaseUrl, waiting)).length > 0;
      }, 'the receipts wait');
      await lock(second);
      await settling.query('commit');
    } finally {
      settling.release(true);
    }
    expect((await recording)?.filter((result) => result instanceof Error)).to.deep.equal([]);
    for (const { id } of [first, second]) await service.untilStatus(id, 'delivered');
  });

  it('stores the others if some cannot be stored, and keeps the webhook', async () => {
    await query(
      service.databaseUrl,
      `alter table delivery_receipts add constraint bug check (provider_message_id <> 'partial-150')`,
    );
    const events = eventsOf('partial', 300);
    const unstorable = { ...events[0], sg_message_id: 'partial-nul', reason: 'a\0b', event: 'bounce' };
    await deliver([unstorable, ...events]);
    expect((await stored('partial'))?.receipts).to.equal(299);
    const kept = (await service.request('GET', '/api/quarantine')).body.data;
    expect(kept.map((each: { account: string }) => each.account)).to.deep.equal(['mail-co']);
    await query(service.databaseUrl, 'alter table delivery_receipts drop constraint bug');
    await deliver([unstorable, ...events]);
    expect((await stored('partial'))?.receipts).to.equal(300);
  });
});

import { expect } from 'chai';
import { Caches } from '../../src/db/caches.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { createReceiptRecorder } from '../../src/delivery/receipts.ts';
import { addressParserOf } from '../../src/messaging/address.ts';
import { createPeople } from '../../src/messaging/people/people.ts';
import { createRecorder } from '../../src/messaging/recording/record.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { IncomingWebhook } from '../../src/providers/webhook.ts';
import { loadConfig } from '../../src/service/service.ts';
import { createWebhooks } from '../../src/webhooks/create.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { consentKey, environmentFor, hashAddress, secretKey } from '../support/harness.ts';

describe('Events that requests write', () => {
  let url: string;
  let database: Database;
  let written = 0;
  const onWritten = () => void written++;
  beforeEach(async () => {
    url = await createMigratedDatabase();
    database = openDatabase(url, () => undefined);
    written = 0;
  });
  afterEach(() => database.close());

  it('are reported after a link and its removal, and not after a refused link', async () => {
    const { rows } = await database.pool.query<{ id: number }>(
      `insert into participants (address, address_type) select 'name' || n, 'alphanumeric' from generate_series(1, 2) as n returning id`,
    );
    const [one, other] = rows.map(({ id }) => id) as [number, number];
    const people = createPeople(database, addressParserOf('US'), onWritten);
    await people.link(one, other);
    expect(written).to.equal(1);
    expect(await people.link(one, one).catch((error) => error)).to.be.an('error');
    expect(written).to.equal(1);
    await people.unlink(one, other);
    expect(written).to.equal(2);
  });

  it('are reported after a webhook was quarantined, once for all its deliveries', async () => {
    const config = {
      ...loadConfig(environmentFor('http://127.0.0.1:1', url)),
      consentKey,
      secretKeys: [secretKey],
    };
    const providers = createRegistry(config.accounts, config.providerTimeoutMs);
    const events = createEvents(createLogger('silent'));
    const { pool } = database;
    const webhooks = createWebhooks({
      ...{ config, providers, database, events, parseAddress: addressParserOf('US') },
      recorder: createRecorder({
        pool,
        events,
        hashAddress,
        caches: new Caches(),
        onRecorded: () => undefined,
      }),
      receipts: createReceiptRecorder(pool, events),
      onQuarantined: onWritten,
    });
    for (let delivery = 1; delivery <= 2; delivery++) {
      const webhook = new IncomingWebhook({
        ...{ headers: {}, target: '/api/webhooks/text-co', publicUrl: null },
        readBody: async () => Buffer.from('not JSON'),
      });
      await webhooks.receive(providers.sms[0] as Provider, webhook, async () => undefined);
    }
    expect((await pool.query('select received_count from webhook_inbox')).rows).to.deep.equal([
      { received_count: 2 },
    ]);
    expect(written).to.equal(1);
  });
});

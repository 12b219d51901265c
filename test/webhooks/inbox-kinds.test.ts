import { expect } from 'chai';
import { Caches } from '../../src/db/caches.ts';
import { openDatabase } from '../../src/db/pools.ts';
import { createReceiptRecorder } from '../../src/delivery/receipts.ts';
import { addressParserOf } from '../../src/messaging/address.ts';
import { createRecorder } from '../../src/messaging/recording/record.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import { IncomingWebhook } from '../../src/providers/webhook.ts';
import { loadConfig } from '../../src/service/service.ts';
import { createWebhooks } from '../../src/webhooks/create.ts';
import {
  consentKey,
  environmentFor,
  type Harness,
  hashAddress,
  secretKey,
  startHarness,
} from '../support/harness.ts';
import { until } from '../support/until.ts';
import { inboundBody } from '../support/webhooks.ts';

/** No kind uses the inbox yet, so the test changes the property of an account of the kind `standard`. */
describe('The webhooks of a kind that uses the inbox', () => {
  let service: Harness;
  let worker: Harness | undefined;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
  });
  after(() => Promise.all([service, worker].map((each) => each?.stop())));

  it('are stored and answered, and then processed by a worker', async () => {
    const { databaseUrl, simulator } = service;
    const config = {
      ...loadConfig(environmentFor(simulator.url, databaseUrl)),
      consentKey,
      secretKeys: [secretKey],
    };
    const providers = createRegistry(config.accounts, config.providerTimeoutMs);
    const events = createEvents(createLogger('silent'));
    const database = openDatabase(databaseUrl, () => undefined);
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
      onQuarantined: () => undefined,
    });
    const provider: Provider = {
      ...(providers.sms[0] as Provider),
      ...{ webhookProcessing: 'inbox', webhookHeaders: ['x-event'] },
    };
    const receive = (body: string) =>
      webhooks.receive(
        provider,
        new IncomingWebhook({
          headers: { 'content-type': 'application/json', 'x-event': 'message', 'x-other': 'credential' },
          target: '/api/webhooks/text-co',
          publicUrl: null,
          readBody: async () => Buffer.from(body),
        }),
        async () => undefined,
      );
    try {
      for (const body of [inboundBody('inbox-1'), inboundBody('inbox-2'), inboundBody('inbox-1'), 'nonsense'])
        await receive(body);
    } finally {
      await database.close();
    }
    const list = async (path: string) => (await service.request('GET', path)).body.data;
    const pending = await list('/api/quarantine');
    expect(pending).to.have.length(3);
    for (const webhook of pending)
      expect(webhook).to.include({ state: 'pending', reason: null, detail: null, attempts: 0 });
    expect(await list('/api/messages')).to.deep.equal([]);
    const { headers } = (await service.request('GET', `/api/quarantine/${pending[0].id}`)).body;
    expect(headers).to.deep.equal({ 'content-type': 'application/json', 'x-event': 'message' });

    worker = await startHarness({ ROLE: 'worker', DATABASE_URL: databaseUrl });
    const quarantined = await until(async () => {
      const stored = await list('/api/quarantine');
      return stored.length === 1 && stored[0].state === 'quarantined' && stored[0];
    }, 'the webhooks are processed');
    expect(quarantined).to.include({ reason: 'unknown_shape', attempts: 1 });
    expect(await list('/api/messages')).to.have.length(2);
  });
});

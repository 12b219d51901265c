import { expect } from 'chai';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { ProviderStates } from '../../src/delivery/accounts/provider-states.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody, refuseBody, store } from '../support/webhooks.ts';

const eventsOf = async (service: Harness, ...types: string[]) => {
  const filter = types.map((type) => `&type=${type}`).join('');
  const { body } = await service.request('GET', `/api/events?limit=200${filter}`);
  return body.data as Schema<'Event'>[];
};

describe('The events of an account', function () {
  this.timeout(60_000);

  it('report that it becomes unavailable, with the error, and that it recovers', async () => {
    const service = await startHarness();
    const setFaults = (...faults: object[]) => service.control('PUT', '/_control/faults', faults);
    const untilEvents = (count: number) =>
      until(async () => {
        const found = await eventsOf(service, 'provider.unavailable', 'provider.recovered');
        return found.length === count && found;
      }, `${count} events`);
    try {
      await setFaults({ channel: 'sms', type: 'status', status: 503 });
      for (let n = 0; n < 6; n++)
        await service.client.messages.send({
          ...{ from: '+12016661234', to: `+1804559000${n}`, type: 'sms', body: 'Hi' },
        });
      await untilEvents(1);
      await setFaults();
      const account = { name: 'text-co', channel: 'sms' };
      const error = { code: 'simulated_503', detail: 'A simulated failure', class: 'provider_error' };
      expect((await untilEvents(2)).map(({ type, data }) => [type, data])).to.deep.equal([
        ['provider.unavailable', { ...account, error: { ...error, url: null } }],
        ['provider.recovered', { ...account, error: null }],
      ]);
    } finally {
      await service.stop();
    }
  });

  describe('as several workers report its state', () => {
    const account = { name: 'text-co', channel: 'sms' } as const;
    const error = { code: 'down', detail: 'Down', class: 'provider_error' } as const;
    let database: Database;
    let workers: ProviderStates[];
    beforeEach(async () => {
      database = openDatabase(await createMigratedDatabase(), () => undefined);
      const events = createEvents(createLogger('silent'));
      workers = Array.from({ length: 8 }, () => new ProviderStates(database.pool, events));
    });
    afterEach(async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await database.close();
    });
    const run = async (text: string) => (await database.pool.query(text)).rows;
    const types = async () =>
      (await run('select type from event_inbox order by id')).map(({ type }) => type.split('.')[1]);
    const settled = () => Promise.all(workers.map((worker) => worker.idle()));

    it('are written once for each change', async () => {
      for (let round = 0; round < 3; round++) {
        for (const worker of workers) worker.changed(account, error);
        await settled();
        for (const worker of workers) worker.changed(account, null);
        await settled();
      }
      expect(await types()).to.deep.equal(Array(3).fill(['unavailable', 'recovered']).flat());
    });

    it('report a recovery if the worker that found it unavailable has ended', async () => {
      const [ended, other, another] = workers as [ProviderStates, ProviderStates, ProviderStates];
      ended.changed(account, error);
      await settled();
      other.confirmed(account);
      await settled();
      expect(await types()).to.deep.equal(['unavailable']);
      await run(`update unavailable_providers set since = since - interval '2 minutes'`);
      other.confirmed(account);
      await settled();
      expect(await types(), 'at most one confirmation per minute').to.deep.equal(['unavailable']);
      another.confirmed(account);
      await settled();
      expect(await types()).to.deep.equal(['unavailable', 'recovered']);
    });

    it('have the last state only after the database was unavailable', async () => {
      const [worker] = workers as [ProviderStates];
      await run('alter table unavailable_providers rename to hidden');
      worker.changed(account, error);
      worker.changed(account, null);
      worker.changed(account, { ...error, code: 'again' });
      await run('alter table hidden rename to unavailable_providers');
      await worker.idle();
      const rows = await run('select type, changes from event_inbox');
      expect(rows.map(({ type, changes }) => [type, changes.error?.code])).to.deep.equal([
        ['provider.unavailable', 'again'],
      ]);
    });
  });
});

describe('The event of a quarantined webhook', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ TEXT_CO_WEBHOOK_SECRETS: webhookSecret });
  });
  after(() => service.stop());
  const added = async () =>
    (await eventsOf(service, 'quarantine.added')).map(({ data }) => data as Schema<'QuarantinedWebhook'>);

  it('is written once, also if the provider sends the webhook again, and is omitted after its deletion', async () => {
    for (let n = 0; n < 3; n++) await deliver(service, '{"event": "poked"}');
    const [entry] = await until(async () => {
      const found = await added();
      return found.length > 0 && found;
    }, 'the event');
    const { body } = await service.request('GET', '/api/quarantine');
    expect(entry).to.deep.equal(body.data[0]);
    expect(entry).to.include({ state: 'quarantined', reason: 'unknown_shape', received_count: 3 });
    const rows = await query(service.databaseUrl, `select from events where type = 'quarantine.added'`);
    expect(rows).to.have.length(1);
    await service.request('DELETE', `/api/quarantine/${entry?.id}`);
    expect(await added()).to.deep.equal([]);
  });

  it('is written when a pending webhook has failed for the last time', async () => {
    const allow = await refuseBody(service.databaseUrl, 'refused');
    const body = inboundBody('refused-1', { body: 'refused' });
    const id = await store(service.databaseUrl, body, { state: 'pending', attempts: 8 });
    const due = () =>
      query(service.databaseUrl, 'update webhook_inbox set next_attempt_at = now() where not leased');
    await until(async () => {
      await due();
      return (await added()).length > 0;
    }, 'the event');
    expect((await added()).map((entry) => [entry.id, entry.attempts])).to.deep.equal([[id, 10]]);
    await service.request('POST', `/api/quarantine/${id}/replay`);
    expect((await added()).map((entry) => [entry.id, entry.attempts])).to.deep.equal([[id, 11]]);
    await allow();
  });
});

import { expect } from 'chai';
import { storedFunction } from '../../../src/db/functions.ts';
import { type Database, openDatabase } from '../../../src/db/pools.ts';
import { EndpointWorker } from '../../../src/feed/endpoints/delivery/worker.ts';
import { EndpointSecrets } from '../../../src/feed/endpoints/secret.ts';
import { EndpointSender } from '../../../src/feed/endpoints/send.ts';
import { createEvents } from '../../../src/observability/events.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import type { Schema } from '../../../src/openapi/types.ts';
import { createMigratedDatabase } from '../../support/database.ts';
import { type EventReceiver, startEventReceiver } from '../../support/event-receiver.ts';
import { secretKey } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

describe('An event that cannot be rendered', () => {
  let database: Database;
  let receiver: EventReceiver;
  let worker: EndpointWorker;
  /** The message that cannot be read. */
  let broken: number | null = 2;

  before(async () => {
    const url = await createMigratedDatabase();
    database = openDatabase(url, () => undefined);
    receiver = await startEventReceiver();
    const none = async () => new Map();
    const created_at = new Date().toISOString();
    const messages = async (ids: number[]) => {
      if (ids.some((id) => id === broken)) throw new Error(`Message ${broken} cannot be read.`);
      return new Map(ids.map((id) => [id, { id, created_at } as Schema<'Message'>]));
    };
    worker = new EndpointWorker({
      ...{ pool: database.pool, events: createEvents(createLogger('silent')), patienceMs: 1_000 },
      resources: {
        messages,
        conversations: none,
        participants: none,
        endpoints: none,
        quarantined: none,
        suppressionChanges: none,
      },
      sender: new EndpointSender({
        allowedPrivateHosts: ['127.0.0.1'],
        secrets: new EndpointSecrets([secretKey]),
      }),
      onEvent: () => undefined,
    });
  });
  after(async () => {
    await worker?.stop();
    await receiver?.stop();
    await database?.close();
  });

  it('delays no other event, and is tried for the first time when it can be rendered', async () => {
    const { pool } = database;
    await pool.query(`insert into endpoints (url, secret, position) values ($1, 'whsec_c2VjcmV0', 0)`, [
      `${receiver.url}/events`,
    ]);
    await pool.query(
      `insert into event_inbox (type, subject_id) select 'message.received', n from generate_series(1, 3) as n`,
    );
    await pool.query(`select ${storedFunction('sequence_events')}(1000)`);
    worker.start();
    const received = () => receiver.received.map(({ event }) => event.id).sort();
    await until(() => received().length === 2, 'two events');
    expect(received()).to.deep.equal([1, 3]);
    const row = await until(async () => {
      const { rows } = await pool.query(
        `select status, attempt_count, next_attempt_at > now() as waits from endpoint_deliveries
         where event_id = 2 and lease is null`,
      );
      return rows[0];
    }, 'the delivery is released');
    expect(row).to.deep.equal({ status: 'pending', attempt_count: 0, waits: true });
    broken = null;
    await pool.query('update endpoint_deliveries set next_attempt_at = now() where event_id = 2');
    worker.wake();
    await until(() => received().length === 3, 'the third event');
    const { rows } = await until(async () => {
      const found = await pool.query('select number from endpoint_attempts where event_id = 2');
      return found.rows.length > 0 && found;
    }, 'the attempt');
    expect(rows).to.deep.equal([{ number: 1 }]);
  });
});

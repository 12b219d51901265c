import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';

const [SERIALIZATION_FAILURE, DEADLOCK, LOCK_TIMEOUT] = ['40001', '40P01', '55P03'] as const;

describe('A write that conflicts with other transactions', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    await service.request('POST', '/api/messages/sms', sms);
  });
  after(() => service.stop());

  let number = 0;
  const writes: [name: string, table: string, write: () => Promise<{ status: number }>][] = [
    ['a message', 'messages', () => service.request('POST', '/api/messages/sms', sms)],
    [
      'a receipt',
      'delivery_receipts',
      () =>
        service.request('POST', '/api/webhooks/sms/status', {
          messaging_provider_id: `receipt-${++number}`,
          status: 'delivered',
        }),
    ],
    [
      'a cancellation',
      'delivery_actions',
      async () => {
        const { body } = await service.request('POST', '/api/messages/sms', sms);
        return service.request('POST', `/api/messages/${body.id}/cancel`);
      },
    ],
  ];

  /** Fails the first `times` inserts into a table. The sequence counts also in transactions that are rolled back. */
  const failInserts = (table: string, code: string, times: number) =>
    query(
      service.databaseUrl,
      `create or replace function conflict() returns trigger language plpgsql as $$
       begin
         if nextval('conflicts') <= ${times} then raise exception 'conflict' using errcode = '${code}'; end if;
         return new;
       end $$;
       drop sequence if exists conflicts; create sequence conflicts;
       create or replace trigger conflict before insert on ${table} execute function conflict()`,
    );

  for (const [name, table, write] of writes) {
    describe(`of ${name}`, () => {
      afterEach(() => query(service.databaseUrl, `drop trigger conflict on ${table}`));

      for (const code of [SERIALIZATION_FAILURE, DEADLOCK])
        it(`is repeated until it succeeds after the error ${code}`, async () => {
          await failInserts(table, code, 2);
          expect((await write()).status).to.be.within(200, 202);
        });

      for (const code of [SERIALIZATION_FAILURE, DEADLOCK, LOCK_TIMEOUT])
        it(`returns 503 if every repeat has the error ${code}`, async () => {
          await failInserts(table, code, 1_000_000);
          expect((await write()).status).to.equal(503);
        });
    });
  }
});

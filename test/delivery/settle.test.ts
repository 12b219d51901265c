import { expect } from 'chai';
import pg from 'pg';
import type { Claimed } from '../../src/delivery/claim.ts';
import { createSettler, type Settlement } from '../../src/delivery/settle.ts';
import { createEvents, type Events } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';

describe('The settler', () => {
  let service: Harness;
  let pool: pg.Pool;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    pool = new pg.Pool({ connectionString: service.databaseUrl });
  });
  after(async () => {
    await pool.end();
    await service.stop();
  });

  const errors: { code?: string }[] = [];
  const events: Events = {
    ...createEvents(createLogger('silent')),
    failed: (_, error) => void errors.push(error as { code?: string }),
  };
  const settlement = async (): Promise<Settlement> => {
    const { body } = await service.request('POST', '/api/messages/sms', sms);
    return {
      message: {
        id: body.id,
        conversation_id: body.conversation_id,
        attempt_count: 1,
        lease_ms: 1_000,
      } as Claimed,
      provider: { name: 'text-co' } as Provider,
      startedAt: new Date(Date.now() - 60_000),
      durationMs: 1,
      outcome: { outcome: 'accepted', httpStatus: 202, providerMessageId: 'x' },
      transition: {
        ...{ status: 'sent', error: null, provider: 'text-co', nextAttemptAt: null },
        ...{ countsAsRetry: true, mayHaveBeenSent: false },
      },
      accounts: null,
      pauseMs: 0,
    };
  };

  for (const [fault, code] of [
    ['a row that is missing', '23503'],
    ['a value that does not fit', '22003'],
    ['another constraint', '23514'],
  ] as const)
    it(`gives up at the end of the lease if the database refuses the settlement because of ${fault}`, async () => {
      await query(
        service.databaseUrl,
        `create or replace function refuse() returns trigger language plpgsql as $$
         begin raise exception 'refused' using errcode = '${code}'; end $$;
         create or replace trigger refuse before insert on delivery_attempts execute function refuse()`,
      );
      errors.length = 0;
      await createSettler({
        pool,
        events,
        normaliseAddress: (address) => address,
        stopScope: 'channel',
      })(await settlement());
      expect(errors.map((error) => error.code)).to.deep.equal([code]);
    });
});

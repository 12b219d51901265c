import { expect } from 'chai';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';
import { createDatabase, query } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

describe('Migrations', () => {
  it('are applied once', async () => {
    const url = await createDatabase();
    expect(await migrate(url)).not.to.have.length(0);
    expect(await migrate(url)).to.have.length(0);
  });

  for (const limit of ['statement_timeout', 'lock_timeout'])
    it(`are not limited by the ${limit} of the role`, async () => {
      const url = await createDatabase();
      await query(url, `alter database ${new URL(url).pathname.slice(1)} set ${limit} = '2s'`);
      const other = new pg.Client({ connectionString: url });
      await using stack = new AsyncDisposableStack();
      stack.defer(() => other.end());
      await other.connect();
      // The migration that creates this table waits for the end of this transaction.
      await other.query('begin; create table participants (id int)');
      const migrating = migrate(url);
      const hasWaited = async () => {
        const waiting = await query(
          url,
          `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
            and query ~ 'create table participants' and clock_timestamp() - query_start > interval '3 seconds'`,
        );
        return waiting.length === 1;
      };
      await Promise.race([migrating, until(hasWaited, 'the migration has waited for longer than the limit')]);
      await other.query('rollback');
      expect(await migrating).not.to.have.length(0);
    });

  it('allow two services to start on one empty database at the same time', async () => {
    const DATABASE_URL = await createDatabase();
    const services = await Promise.all([startHarness({ DATABASE_URL }), startHarness({ DATABASE_URL })]);
    for (const service of services) {
      expect((await service.request('GET', '/readyz')).status).to.equal(200);
      await service.stop();
    }
  });

  it('are applied even if a killed process left its lock', async () => {
    const url = await createDatabase();
    await migrate(url);
    await query(url, 'update knex_migrations_lock set is_locked = 1');
    expect(await migrate(url)).to.have.length(0);
  });

  it('do not wait for the lock of a killed process if none is missing', async () => {
    const url = await createDatabase();
    await migrate(url);
    const killed = new pg.Client({ connectionString: url });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => killed.end());
    await killed.connect();
    await killed.query('begin; update knex_migrations_lock set is_locked = 1');
    expect(await migrate(url)).to.have.length(0);
    await killed.query('commit');
    expect(await migrate(url)).to.have.length(0);
  });

  it('create a foreign key for every reference', async () => {
    const url = await createDatabase();
    await migrate(url);
    const constraints = await query<{ name: string }>(
      url,
      `select conrelid::regclass || '.' || a.attname as name from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1] where contype = 'f'`,
    );
    expect(constraints.map(({ name }) => name)).to.have.members([
      'participants.person_id',
      'participants.erasure_id',
      'retention_skipped.task',
      'retention_skipped.message_id',
      'opt_outs.message_id',
      'endpoint_deliveries.endpoint_id',
      'endpoint_attempts.endpoint_id',
      'conversations.merged_into_id',
      'conversation_participants.conversation_id',
      'conversation_participants.participant_id',
      'messages.conversation_id',
      'messages.sender_id',
      'emails.message_id',
      'emails.in_reply_to_id',
      'emails.raw_media_id',
      'email_message_ids.message_id',
      'recipient_marks.message_id',
      'deliveries.conversation_id',
      'delivery_attempts.message_id',
      'delivery_receipts.message_id',
      'delivery_recipients.message_id',
      'participant_links.participant_id',
      'participant_links.other_id',
      'delivery_actions.message_id',
      'idempotency_keys.message_id',
      'pending_regroupings.participant_id',
      'media.object_id',
      'media_chunks.object_id',
      'webhook_inbox.object_id',
      'media_fetches.media_id',
      'message_media.media_id',
      'message_media.message_id',
      ...['suppressions', 'suppression_changes'].flatMap((table) => [
        `${table}.message_id`,
        `${table}.receipt_id`,
      ]),
    ]);
  });
});

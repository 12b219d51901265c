import { expect } from 'chai';
import pg from 'pg';
import { inboundSms } from '../support/bodies.ts';
import { entriesOf, repliesTo } from '../support/consent.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { environmentFor, type Harness, startHarness } from '../support/harness.ts';
import { freePort, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

const LOCK = 4711;
/** Makes the insertion of a reply wait for an advisory lock. */
const HOLD_REPLIES = `
  create function hold_reply() returns trigger language plpgsql as $$
  begin
    perform pg_advisory_xact_lock(${LOCK});
    return new;
  end $$;
  create trigger hold_reply before insert on messages
  for each row when (new.purpose = 'consent') execute function hold_reply()`;

const HELD = `from pg_locks where locktype = 'advisory' and objid = ${LOCK} and not granted
  and database = (select oid from pg_database where datname = current_database())`;

describe('The automatic reply of a process that is killed after the commit of a STOP', function () {
  this.timeout(90_000);
  let databaseUrl: string;
  let holder: pg.Client;
  let second: Harness | undefined;
  beforeEach(async () => {
    databaseUrl = await createMigratedDatabase();
    await query(databaseUrl, HOLD_REPLIES);
    holder = new pg.Client({ connectionString: databaseUrl });
    await holder.connect();
    await holder.query(`select pg_advisory_lock(${LOCK})`);
  });
  afterEach(async () => {
    await holder.end();
    await second?.stop();
    second = undefined;
  });

  const stop = { ...inboundSms, body: 'STOP', messaging_provider_id: 'stop-1', timestamp: undefined };
  const deliverTo = (url: string) =>
    fetch(`${url}/api/webhooks/sms`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(stop) },
    });

  /** Kills a process while it records the reply. */
  async function killWhileReplying(): Promise<void> {
    const process = await startProcess({
      ...environmentFor('http://127.0.0.1:9', databaseUrl),
      ...{ ROLE: 'api', PORT: String(await freePort()) },
    });
    const response = deliverTo(process.url).catch(() => null);
    await until(async () => (await query(databaseUrl, `select ${HELD}`)).length > 0, 'the reply is held');
    expect(await entriesOf({ databaseUrl }, inboundSms.from)).to.have.length(1);
    await process.signal('SIGKILL');
    expect(await response).to.equal(null);
  }

  async function expectOneReply(): Promise<void> {
    second = await startHarness({ DATABASE_URL: databaseUrl });
    const { url } = second;
    const responses = await Promise.all(Array.from({ length: 5 }, () => deliverTo(url)));
    expect(responses.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200]);
    const [reply, ...others] = await repliesTo(second, inboundSms.from);
    expect(others).to.deep.equal([]);
    await second.untilStatus(reply?.id as number, 'delivered');
    expect(await second.accepted()).to.have.length(1);
  }

  it('is recorded once when the webhook is redelivered', async () => {
    await killWhileReplying();
    await query(databaseUrl, `select pg_terminate_backend(pid) ${HELD}`);
    await holder.query(`select pg_advisory_unlock(${LOCK})`);
    expect(await repliesTo({ databaseUrl }, inboundSms.from)).to.deep.equal([]);
    await expectOneReply();
  });

  it('is not repeated if the database commits the reply after the end of the process', async () => {
    await killWhileReplying();
    await holder.query(`select pg_advisory_unlock(${LOCK})`);
    await until(
      async () => (await repliesTo({ databaseUrl }, inboundSms.from)).length === 1,
      'the reply is committed',
    );
    await expectOneReply();
  });
});

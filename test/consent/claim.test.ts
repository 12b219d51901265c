import { expect } from 'chai';
import pg from 'pg';
import type { Message } from '../../sdk/src/index.ts';
import { type Database, openDatabase } from '../../src/db/pools.ts';
import { addRecipientHashes } from '../../src/delivery/maintenance/recipient-hashes.ts';
import { Worker } from '../../src/delivery/worker.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createRegistry } from '../../src/providers/registry.ts';
import type { StandardSettings } from '../../src/providers/standard/config.ts';
import { email, mms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, noLinks, startHarness } from '../support/harness.ts';
import { standardAccount, startProviderServer } from '../support/provider-server.ts';
import { restore, suppress } from '../support/suppressions.ts';
import { until } from '../support/until.ts';

const [ONE, TWO, THREE] = ['+12015550101', '+12015550102', '+12015550103'] as const;

/** The worker claims only when a test calls `deliver`. */
describe('A claimed message', () => {
  let api: Harness;
  let database: Database;
  let worker: Worker;
  beforeEach(async () => {
    api = await startHarness({ ROLE: 'api' });
    await api.control('PUT', '/_control/settings', { receipts: { enabled: false } });
    database = openDatabase(api.databaseUrl, () => undefined);
    worker = createWorker();
  });
  afterEach(async () => {
    await worker.stop();
    await database.close();
    await api.stop();
  });

  const createWorker = (
    settings: Partial<StandardSettings> = {},
    url = api.simulator.url,
    marginMs = 60_000,
  ) => {
    const account = standardAccount(url, settings);
    return new Worker({
      pool: database.pool,
      providers: createRegistry([account, { ...account, name: 'mail-co', channel: 'email' }], 10_000),
      events: createEvents(createLogger('silent')),
      ...{ concurrency: 8, marginMs, timeoutMs: 10_000, patienceMs: 10_000 },
      webhookUrlOf: () => null,
      links: noLinks,
      normaliseAddress: (address) => address,
      hashAddress,
      stopScope: 'channel',
    });
  };
  const send = async (body: object = { ...sms, to: ONE }): Promise<Message> => {
    const { status, body: message } = await api.request('POST', '/api/messages/send', body);
    expect(status, JSON.stringify(message)).to.equal(202);
    return message;
  };
  const stop = (address: string, entry?: Parameters<typeof suppress>[2]) =>
    suppress(api.databaseUrl, address, entry);
  const start = (address: string) => restore(api.databaseUrl, address);
  /** Makes each message due, and delivers the messages that can be claimed. */
  const deliver = async () => {
    await query(
      api.databaseUrl,
      `update deliveries set next_attempt_at = now() where pending and next_attempt_at is not null`,
    );
    const claimed = await worker.runOnce();
    await worker.idle();
    return claimed;
  };
  const messageOf = async ({ id }: Message): Promise<Message> =>
    (await api.request('GET', `/api/messages/${id}`)).body;
  const statusOf = async (message: Message) => {
    const { status, error } = await messageOf(message);
    return [status, error?.code];
  };
  const recipientsOf = async (message: Message) =>
    (await messageOf(message)).recipients?.map(({ address, status, error }) => [
      address,
      status,
      error?.code,
    ]);
  const attemptsOf = async ({ id }: Message) =>
    (await api.request('GET', `/api/messages/${id}/attempts`)).body.data as {
      outcome: string;
      code: string | null;
      http_status: number | null;
    }[];
  const calls = async () => (await api.control<{ data: object[] }>('GET', '/_control/calls')).data.length;
  const requests = async () => (await api.accepted()).map(({ request }) => request);
  const faults = (list: object[]) => api.control('PUT', '/_control/faults', list);
  /** Leaves a message as a worker does that is killed between claim and call. */
  const killWorker = ({ id }: Message) =>
    query(
      api.databaseUrl,
      `update deliveries
       set status = 'sending', provider = 'text-co', attempt_count = attempt_count + 1, next_attempt_at = now() - interval '1 second'
       where message_id = $1`,
      [id],
    );

  it('is stopped by an entry for its sender id in another case', async () => {
    const [stopped, sent] = [
      await send({ ...sms, from: 'Acme', to: ONE }),
      await send({ ...sms, from: 'Acme', to: TWO }),
    ];
    await stop(ONE, { scope: 'sender', sender: 'acme' });
    await stop(TWO, { scope: 'sender', sender: 'others' });
    await deliver();
    expect(await statusOf(stopped)).to.deep.equal(['failed', 'recipient_suppressed']);
    expect((await statusOf(sent))[0]).to.equal('sent');
  });

  it('fails without a call if its recipient became suppressed while it was queued', async () => {
    const [stopped, other] = [await send(), await send({ ...sms, to: TWO })];
    await stop(ONE);
    await deliver();
    expect(await statusOf(stopped)).to.deep.equal(['failed', 'recipient_suppressed']);
    expect((await messageOf(stopped)).error).to.include({ class: 'opted_out' });
    expect(await statusOf(other)).to.deep.equal(['sent', undefined]);
    expect(await attemptsOf(stopped)).to.have.length(1);
    expect((await attemptsOf(stopped))[0]).to.include({ outcome: 'rejected', http_status: null });
    expect(await calls()).to.equal(1);
    // Only a refusal by a provider is a request to stop.
    expect(await query(api.databaseUrl, 'select from opt_outs')).to.deep.equal([]);
  });

  it('fails in the same way if it was scheduled before', async () => {
    const scheduled = await send({
      ...sms,
      to: ONE,
      send_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    await stop(ONE);
    await query(api.databaseUrl, 'update deliveries set next_attempt_at = now()');
    await deliver();
    await deliver();
    expect(await statusOf(scheduled)).to.deep.equal(['failed', 'recipient_suppressed']);
    expect(await calls()).to.equal(0);
  });

  it('fails again after a manual retry while its recipient is suppressed, and is sent after START', async () => {
    const message = await send();
    await stop(ONE);
    await deliver();
    const retry = () => api.request('POST', `/api/messages/${message.id}/retry`);
    expect((await retry()).status).to.equal(202);
    await deliver();
    expect(await statusOf(message)).to.deep.equal(['failed', 'recipient_suppressed']);
    await start(ONE);
    expect((await retry()).status).to.equal(202);
    await deliver();
    expect(await statusOf(message)).to.deep.equal(['sent', undefined]);
    expect(await calls()).to.equal(1);
  });

  it('is sent if only another sender or marketing is stopped', async () => {
    const messages = [await send(), await send({ ...sms, to: TWO, purpose: 'transactional' })];
    const marketing = await send({ ...sms, to: THREE, purpose: 'marketing' });
    await stop(ONE, { scope: 'sender', sender: '+12016665555' });
    await stop(TWO, { reason: 'unsubscribe' });
    await stop(THREE, { reason: 'unsubscribe' });
    await deliver();
    for (const message of messages) expect((await messageOf(message)).status).to.equal('sent');
    expect(await statusOf(marketing)).to.deep.equal(['failed', 'recipient_suppressed']);
  });

  it('to a group goes to the others, and the suppressed recipient fails', async () => {
    const message = await send({ ...mms, to: [ONE, TWO, THREE] });
    await stop(TWO);
    await deliver();
    expect((await requests()).map(({ to }) => to)).to.deep.equal([[ONE, THREE]]);
    expect(await recipientsOf(message)).to.deep.equal([
      [ONE, 'sent', undefined],
      [TWO, 'failed', 'recipient_suppressed'],
      [THREE, 'sent', undefined],
    ]);
    expect((await messageOf(message)).to).to.deep.equal([ONE, TWO, THREE]);
    const { provider_message_id } = await messageOf(message);
    const report = (more: object) =>
      api.request('POST', '/api/webhooks/sms/status?provider=text-co', {
        ...{ messaging_provider_id: provider_message_id, status: 'delivered', ...more },
      });
    // A receipt that names the suppressed recipient changes nothing.
    await report({ recipient: TWO });
    await report({});
    expect(await recipientsOf(message)).to.deep.equal([
      [ONE, 'delivered', undefined],
      [TWO, 'failed', 'recipient_suppressed'],
      [THREE, 'delivered', undefined],
    ]);
    expect((await messageOf(message)).recipients?.map((one) => one.provider_message_id)).to.deep.equal([
      provider_message_id,
      null,
      provider_message_id,
    ]);
    expect(await statusOf(message)).to.deep.equal(['undelivered', 'recipient_suppressed']);
  });

  it('is shown to a repeat of its request as in the first response, also after a recipient was left out', async () => {
    const body = { ...mms, to: [ONE, TWO, THREE], skip_suppressed: true };
    const request = () => api.request('POST', '/api/messages/send', body, { 'idempotency-key': 'left-out' });
    await stop(THREE);
    const first = await request();
    expect(first.status).to.equal(202);
    await stop(TWO);
    await deliver();
    expect((await recipientsOf(first.body))?.[1]).to.deep.equal([TWO, 'failed', 'recipient_suppressed']);
    expect((await request()).body).to.deep.equal(first.body);
  });

  it('accepted with skip_suppressed is sent to the others, also after START', async () => {
    await stop(TWO);
    const message = await send({ ...mms, to: [ONE, TWO], skip_suppressed: true });
    await start(TWO);
    await deliver();
    expect((await requests()).map(({ to }) => to)).to.deep.equal([ONE]);
    expect(await recipientsOf(message)).to.deep.equal([
      [ONE, 'sent', undefined],
      [TWO, 'failed', 'recipient_suppressed'],
    ]);
  });

  it('goes to the recipients of copies if nobody remains in to, and fails if only blind copies remain', async () => {
    const [to, cc, bcc] = ['to@example.com', 'cc@example.com', 'bcc@example.com'];
    const message = await send({ ...email, to, cc: [cc], bcc: [bcc] });
    await stop(to);
    await deliver();
    expect((await requests())[0])
      .to.include({ to: cc })
      .and.not.have.property('cc');
    expect((await requests())[0]?.bcc).to.deep.equal([bcc]);
    expect((await recipientsOf(message))?.map(([, status]) => status)).to.deep.equal([
      'failed',
      'sent',
      'sent',
    ]);
    await start(to);
    const blind = await send({ ...email, to, bcc: [bcc] });
    await stop(to);
    await deliver();
    expect(await statusOf(blind)).to.deep.equal(['failed', 'recipient_suppressed']);
    expect(await calls()).to.equal(1);
  });

  it('leaves a recipient out of each attempt, also after START and after the worker was killed', async () => {
    const message = await send({ ...mms, to: [ONE, TWO] });
    await stop(TWO);
    await faults([{ channel: 'sms', type: 'status', status: 503 }]);
    await deliver();
    expect((await messageOf(message)).status).to.equal('queued');
    await start(TWO);
    await killWorker(message);
    await faults([]);
    await deliver();
    expect((await requests()).map(({ to }) => to)).to.deep.equal([ONE]);
    expect(await recipientsOf(message)).to.deep.equal([
      [ONE, 'sent', undefined],
      [TWO, 'failed', 'recipient_suppressed'],
    ]);
    // A manual retry is a new send.
    const { provider_message_id } = await messageOf(message);
    await api.request('POST', '/api/webhooks/sms/status?provider=text-co', {
      ...{ messaging_provider_id: provider_message_id, status: 'failed' },
    });
    expect((await api.request('POST', `/api/messages/${message.id}/retry`)).status).to.equal(202);
    await deliver();
    expect((await requests()).at(-1)?.to).to.deep.equal([ONE, TWO]);
  });

  describe('whose worker was killed between claim and call', () => {
    beforeEach(() => worker.stop());

    it('is not sent if its recipient became suppressed, because the provider did not receive it', async () => {
      worker = createWorker();
      const message = await send();
      await killWorker(message);
      await stop(ONE);
      await deliver();
      expect(await statusOf(message)).to.deep.equal(['failed', 'recipient_suppressed']);
      expect(await requests()).to.deep.equal([]);
      expect((await attemptsOf(message)).map(({ code }) => code)).to.deep.equal([
        'worker_lost',
        'recipient_suppressed',
      ]);
    });

    it('is sent if the provider did receive it before', async () => {
      worker = createWorker();
      await faults([{ channel: 'sms', type: 'lost_response' }]);
      const message = await send();
      await deliver();
      expect((await messageOf(message)).status).to.equal('queued');
      const [before] = await api.accepted();
      await stop(ONE);
      await faults([]);
      await deliver();
      expect(await statusOf(message)).to.deep.equal(['sent', undefined]);
      expect((await api.accepted()).map((one) => one.request_count)).to.deep.equal([before?.request_count]);
    });

    it('is unknown if the provider cannot be asked', async () => {
      worker = createWorker({ canLookUp: false });
      const message = await send();
      await killWorker(message);
      await stop(ONE);
      await deliver();
      expect(await statusOf(message)).to.deep.equal(['unknown', 'may_have_been_sent']);
      expect(await calls()).to.equal(0);
    });

    it('waits while a look-up fails, and ends when one succeeds', async () => {
      worker = createWorker();
      const message = await send();
      await killWorker(message);
      await stop(ONE);
      await faults([{ channel: 'sms', applies_to: 'lookup', type: 'status', status: 400 }]);
      await deliver();
      expect((await messageOf(message)).status).to.equal('queued');
      await faults([]);
      await deliver();
      expect(await statusOf(message)).to.deep.equal(['failed', 'recipient_suppressed']);
      expect(await requests()).to.deep.equal([]);
    });

    it('is sent to the others of a group that the provider did not receive', async () => {
      worker = createWorker();
      const message = await send({ ...mms, to: [ONE, TWO] });
      await killWorker(message);
      await stop(TWO);
      await deliver();
      expect((await requests()).map(({ to }) => to)).to.deep.equal([ONE]);
      expect(await recipientsOf(message)).to.deep.equal([
        [ONE, 'sent', undefined],
        [TWO, 'failed', 'recipient_suppressed'],
      ]);
    });
  });

  for (const answer of ['503', 'a lost response'])
    it(`is not sent again in the same call after ${answer} if its recipient became suppressed meanwhile`, async () => {
      await worker.stop();
      const received: string[] = [];
      const provider = await startProviderServer(async (request, response) => {
        received.push(`${request.method}`);
        if (request.method === 'POST') await stop(ONE);
        if (request.method === 'POST' && answer !== '503') return void request.socket.destroy();
        response.writeHead(request.method === 'POST' ? 503 : 200, { 'content-type': 'application/json' });
        response.end('{"data":[]}');
      });
      worker = createWorker({}, provider.url);
      const message = await send();
      await deliver();
      expect((await messageOf(message)).status).to.equal('queued');
      await deliver();
      await provider.stop();
      expect(await statusOf(message)).to.deep.equal(['failed', 'recipient_suppressed']);
      // After a lost response, the provider may have the message.
      expect(received).to.deep.equal(answer === '503' ? ['POST'] : ['POST', 'GET']);
    });

  it('is not sent while the ledger cannot be read', async () => {
    const message = await send();
    await query(api.databaseUrl, 'alter table suppressions rename to hidden');
    await deliver();
    expect(await statusOf(message)).to.deep.equal(['queued', 'ledger_unavailable']);
    expect(await calls()).to.equal(0);
    await query(api.databaseUrl, 'alter table hidden rename to suppressions');
    await deliver();
    expect(await statusOf(message)).to.deep.equal(['sent', undefined]);
  });

  it('is not sent if the check took so long that its lease may end', async () => {
    await worker.stop();
    worker = createWorker({}, api.simulator.url, 200);
    const message = await send();
    const lock = new pg.Client({ connectionString: api.databaseUrl });
    await lock.connect();
    await lock.query('begin; lock table suppressions in access exclusive mode');
    const delivered = deliver();
    await until(async () => {
      const waiting = await query(
        api.databaseUrl,
        `select from pg_stat_activity where wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '300 ms'
           and datname = current_database()`,
      );
      return waiting.length > 0;
    }, 'the check has taken longer than the margin');
    await lock.query('rollback');
    await lock.end();
    await delivered;
    expect(await statusOf(message)).to.deep.equal(['queued', 'worker_stalled']);
    expect(await calls()).to.equal(0);
  });

  it('of the previous version is not claimed before the hashes of its recipients are known', async () => {
    const [stopped, other] = [await send(), await send({ ...mms, to: [TWO, THREE] })];
    await query(api.databaseUrl, 'update deliveries set recipient_hashes = null');
    await query(api.databaseUrl, 'update messages set purpose = null');
    await stop(ONE);
    expect(await deliver()).to.equal(0);
    expect(await addRecipientHashes(database.pool, hashAddress)).to.equal(false);
    expect(await deliver()).to.equal(2);
    expect(await statusOf(stopped)).to.deep.equal(['failed', 'recipient_suppressed']);
    expect(await statusOf(other)).to.deep.equal(['sent', undefined]);
  });
});

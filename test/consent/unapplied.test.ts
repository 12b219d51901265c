import { expect } from 'chai';
import { changesOf, entriesOf } from '../support/consent.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

const NUMBER = '+12016661234';
const OTHER = '+12016665678';

describe('Requests that the previous version recorded', () => {
  let databaseUrl: string;
  const services: Harness[] = [];
  beforeEach(async () => {
    databaseUrl = await createMigratedDatabase();
  });
  afterEach(() => Promise.all(services.splice(0).map((service) => service.stop())));

  let count = 0;
  /** Inserts a row as the functions of the previous version do. */
  const insert = (address: string, action: string, sender: string | null = NUMBER, columns: object = {}) => {
    const row = {
      ...{ account: 'twilio', address, action, sender, source: 'webhook' },
      ...{ provider_message_id: `previous-${++count}`, ...columns },
    };
    const names = Object.keys(row);
    return query(
      databaseUrl,
      `insert into opt_outs (${names.join(', ')}) values (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
      Object.values(row),
    );
  };
  const start = async (environment: Record<string, string> = {}) => {
    const service = await startHarness({ DATABASE_URL: databaseUrl, ...environment });
    services.push(service);
    return service;
  };
  const untilApplied = () =>
    until(
      async () => (await query(databaseUrl, 'select from opt_outs where applied_at is null')).length === 0,
      'all requests are applied',
    );
  const scopes = async (address: string) =>
    (await entriesOf({ databaseUrl }, address)).map(({ scope, sender, reasons }) => [
      scope,
      sender,
      ...reasons,
    ]);
  const STOPPED = ['channel', null, 'provider_opt_out'];

  it('change the ledger once, in their order, also by several processes', async () => {
    await insert('+18045550001', 'stop');
    for (const action of ['stop', 'start']) await insert('+18045550002', action);
    for (const action of ['start', 'stop', 'help']) await insert('+18045550003', action);
    await insert('+18045550004', 'help');
    await insert('+18045550005', 'stop', null);
    const many = Array.from({ length: 250 }, (_, n) => `+1804556${String(n).padStart(4, '0')}`);
    await query(
      databaseUrl,
      `insert into opt_outs (account, address, sender, action, source, provider_message_id)
       select 'twilio', address, $1, 'stop', 'webhook', address from unnest($2::text[]) as address`,
      [NUMBER, many],
    );
    await Promise.all([start(), start()]);
    await untilApplied();
    expect(await scopes('+18045550001')).to.deep.equal([STOPPED]);
    expect(await scopes('+18045550002')).to.deep.equal([]);
    expect(await scopes('+18045550003')).to.deep.equal([STOPPED]);
    expect(await scopes('+18045550004')).to.deep.equal([]);
    expect(await scopes('+18045550005')).to.deep.equal([STOPPED]);
    expect(await query(databaseUrl, 'select from suppressions')).to.have.length(253);
    expect(await changesOf({ databaseUrl }, '+18045550001')).to.deep.equal(['added provider_opt_out']);
  });

  it('do not undo a later request that this version has applied', async () => {
    const service = await start({ ROLE: 'api' });
    const from = '+18045550006';
    await insert(from, 'start');
    await deliver(service, inboundBody('later', { from, to: NUMBER, body: 'STOP' }));
    await start({ ROLE: 'worker' });
    await untilApplied();
    expect(await scopes(from)).to.deep.equal([['channel', null, 'stop_keyword']]);
  });

  it('concern the number with STOP_SCOPE=sender', async () => {
    const from = '+18045550007';
    for (const [action, sender] of [
      ['stop', NUMBER],
      ['stop', OTHER],
      ['start', NUMBER],
    ] as const)
      await insert(from, action, sender);
    await start({ STOP_SCOPE: 'sender' });
    await untilApplied();
    expect(await scopes(from)).to.deep.equal([['sender', OTHER, 'provider_opt_out']]);
  });
});

import { expect } from 'chai';
import pg from 'pg';
import { createAddressHash } from '../../src/consent/key.ts';
import { storedFunction } from '../../src/db/functions.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { consentKey } from '../support/harness.ts';

const hashOf = createAddressHash(consentKey);
const ADDRESS = '+18045551234';

interface Change {
  change: 'add' | 'remove';
  address?: string;
  scope?: 'all' | 'channel' | 'sender';
  sender?: string;
  reasons?: string[];
  note?: string;
  actor?: string;
}

describe('The changes of the ledger of suppressions', () => {
  let databaseUrl: string;
  let client: pg.Client;
  const clients: pg.Client[] = [];
  const connect = async () => {
    const connected = new pg.Client({ connectionString: databaseUrl });
    clients.push(connected);
    await connected.connect();
    return connected;
  };
  beforeEach(async () => {
    databaseUrl = await createMigratedDatabase();
    client = await connect();
  });
  afterEach(() => Promise.all(clients.splice(0).map((each) => each.end())));

  const change = async (changes: Change[], by = client): Promise<boolean[]> => {
    const input = changes.map(({ address = ADDRESS, scope = 'channel', ...given }, index) => ({
      ...{ n: index + 1, address_hash: hashOf(address), address, channel: 'sms', scope },
      ...given,
    }));
    const { rows } = await by.query(`select * from ${storedFunction('change_suppressions')}($1) order by n`, [
      JSON.stringify(input),
    ]);
    return rows.map(({ changed }) => changed);
  };
  const read = async <T>(text: string): Promise<T[]> => (await client.query(text)).rows as T[];
  const reasons = async () =>
    (await read<{ reasons: string[] }>('select reasons from suppressions order by id')).map(
      (row) => row.reasons,
    );
  const history = () =>
    read<object>('select change, reason, reasons, actor, note from suppression_changes order by id');
  const stop: Change = { change: 'add', reasons: ['stop_keyword'] };
  const start: Change = { change: 'remove', reasons: ['stop_keyword', 'provider_opt_out'] };

  it('make one entry for an address and a scope, with the strongest reason first', async () => {
    expect(await change([{ change: 'add', reasons: ['unsubscribe'] }])).to.deep.equal([true]);
    expect(await change([{ change: 'add', reasons: ['hard_bounce'] }])).to.deep.equal([true]);
    expect(await change([stop, { change: 'add', reasons: ['provider_opt_out'] }, stop])).to.deep.equal([
      ...[true, false, false],
    ]);
    expect(await reasons()).to.deep.equal([['stop_keyword', 'hard_bounce', 'unsubscribe']]);
  });

  it('undo only the given reasons, and restore the source of the others', async () => {
    await change([{ change: 'add', reasons: ['manual'], actor: 'support', note: 'by phone' }, stop]);
    expect(await change([start, start])).to.deep.equal([true, false]);
    expect(await reasons()).to.deep.equal([['manual']]);
    expect(await read('select actor, note from suppressions')).to.deep.equal([
      { actor: 'support', note: 'by phone' },
    ]);
    expect(await change([{ change: 'remove', actor: 'admin' }])).to.deep.equal([true]);
    expect(await reasons()).to.deep.equal([]);
    expect(await history()).to.deep.equal([
      { change: 'added', reason: 'manual', reasons: ['manual'], actor: 'support', note: 'by phone' },
      {
        change: 'added',
        reason: 'stop_keyword',
        reasons: ['stop_keyword', 'manual'],
        actor: null,
        note: null,
      },
      { change: 'removed', reason: 'stop_keyword', reasons: ['manual'], actor: null, note: null },
      { change: 'removed', reason: 'manual', reasons: [], actor: 'admin', note: null },
    ]);
    expect(
      await read('select type, count(*)::int from event_inbox group by type order by type'),
    ).to.deep.equal([
      { type: 'suppression.added', count: 2 },
      { type: 'suppression.removed', count: 2 },
    ]);
  });

  it('keep the entries of different scopes and senders apart', async () => {
    await change([
      { change: 'add', scope: 'all', reasons: ['manual'] },
      stop,
      { ...stop, scope: 'sender', sender: '+12016661234' },
      { ...stop, scope: 'sender', sender: '+12016665678' },
    ]);
    await change([{ ...start, scope: 'sender', sender: '+12016661234' }]);
    expect(await read('select scope, sender from suppressions order by id')).to.deep.equal([
      { scope: 'all', sender: null },
      { scope: 'channel', sender: null },
      { scope: 'sender', sender: '+12016665678' },
    ]);
  });

  it('record another note of a reason that the entry has', async () => {
    const manual: Change = { change: 'add', reasons: ['manual'], note: 'first' };
    expect(await change([manual, manual, { ...manual, note: 'second' }])).to.deep.equal([true, false, true]);
    expect(await read('select note from suppressions')).to.deep.equal([{ note: 'second' }]);
    expect(await history()).to.have.length(2);
  });

  it('make one entry when many transactions add it at once, in any order', async () => {
    const addresses = Array.from({ length: 10 }, (_, n) => `+1804555${1000 + n}`);
    const results = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        const connection = await connect();
        const rotated = [...addresses.slice(n), ...addresses.slice(0, n)];
        return change(
          rotated.map((address) => ({ ...stop, address })),
          connection,
        );
      }),
    );
    expect(results.flat().filter(Boolean)).to.have.length(addresses.length);
    expect(await reasons()).to.have.length(addresses.length);
    expect(await history()).to.have.length(addresses.length);
  });
});

import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../src/db/functions.ts';
import { changesOf, entriesOf, repliesTo } from '../support/consent.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

describe('Two transactions with requests of one recipient', () => {
  const [address, address_hash] = ['+18045557001', hashAddress('+18045557001')];
  const RECORD = `select ${storedFunction('record_opt_outs')}($1)`;
  const request = (more: object) =>
    JSON.stringify([
      {
        ...{ n: 1, account: 'text-co', address, address_hash, sender: '+12016661234', source: 'webhook' },
        ...{ scope: 'channel', reason: 'provider_opt_out', is_refusal: false, may_reply: false, ...more },
      },
    ]);

  it('run one after the other, so that a refused call finds the START that came after it began', async () => {
    const connectionString = await createMigratedDatabase();
    const [first, second] = [new pg.Client({ connectionString }), new pg.Client({ connectionString })];
    await Promise.all([first.connect(), second.connect()]);
    try {
      const began = new Date(Date.now() - 1_000);
      await first.query('begin');
      await first.query(RECORD, [request({ action: 'start', provider_message_id: 'START' })]);
      const refused = {
        action: 'stop',
        provider_message_id: 'refused',
        is_refusal: true,
        occurred_at: began,
      };
      const recording = second.query(RECORD, [request(refused)]);
      await until(
        async () =>
          (await first.query(`select from pg_locks where locktype = 'advisory' and not granted`)).rowCount ===
          1,
        'the second transaction waits',
      );
      await first.query('commit');
      await recording;
      expect(await entriesOf({ databaseUrl: connectionString }, address)).to.deep.equal([]);
    } finally {
      await Promise.all([first.end(), second.end()]);
    }
  });
});

describe('Requests of recipients at several processes', () => {
  let services: [Harness, Harness];
  let count = 0;
  before(async () => {
    const DATABASE_URL = await createMigratedDatabase();
    services = await Promise.all([
      startHarness({ DATABASE_URL }),
      startHarness({ DATABASE_URL, ROLE: 'api' }),
    ]);
  });
  after(() => Promise.all(services.map((service) => service.stop())));

  const write = async (from: string, body: string, n: number, id = `concurrent-${++count}`) => {
    const service = services[n % 2] as Harness;
    const { status } = await deliver(service, inboundBody(id, { from, body, timestamp: undefined }));
    expect(status).to.equal(200);
  };

  it('to stop make one entry and one reply', async () => {
    const from = '+18045557001';
    await Promise.all(Array.from({ length: 20 }, (_, n) => write(from, 'STOP', n)));
    expect(await entriesOf(services[0], from)).to.have.length(1);
    expect(await changesOf(services[0], from)).to.deep.equal(['added stop_keyword']);
    expect(await repliesTo(services[0], from)).to.have.length(1);
  });

  it('for help get one reply', async () => {
    const from = '+18045557002';
    await Promise.all(Array.from({ length: 20 }, (_, n) => write(from, 'HELP', n)));
    expect(await repliesTo(services[0], from)).to.have.length(1);
  });

  it('whose webhook both processes receive are applied once', async () => {
    const from = '+18045557003';
    await Promise.all(Array.from({ length: 20 }, (_, n) => write(from, 'STOP', n, 'concurrent-same')));
    expect(await changesOf(services[0], from)).to.deep.equal(['added stop_keyword']);
    expect(await repliesTo(services[0], from)).to.have.length(1);
  });

  it('do not deadlock with each other and with changes by the API, and leave a complete history', async () => {
    const people = Array.from({ length: 12 }, (_, n) => `+1804555${7100 + n}`);
    const rotated = (n: number) => [...people.slice(n % 12), ...people.slice(0, n % 12)];
    const put = async (address: string, n: number) => {
      const path = `/api/suppressions/${encodeURIComponent(address)}`;
      const { status } = await (services[n % 2] as Harness).request('PUT', path, {
        ...{ scope: 'channel', reason: 'manual', note: `note ${n}` },
      });
      expect(status).to.be.oneOf([200, 201]);
    };
    await Promise.all(
      Array.from({ length: 16 }, (_, n) =>
        rotated(n).map((address) =>
          n % 8 === 7 ? put(address, n) : write(address, n % 2 === 0 ? 'STOP' : 'START', n >> 1),
        ),
      ).flat(),
    );
    for (const address of people) {
      const changes = await changesOf(services[0], address);
      const stops = changes.filter((change) => change.endsWith('stop_keyword'));
      expect(stops, address).to.deep.equal(
        stops.map((_, n) => (n % 2 === 0 ? 'added stop_keyword' : 'removed stop_keyword')),
      );
      const [entry] = await entriesOf(services[0], address);
      expect(entry?.reasons, address).to.deep.equal([
        ...(stops.length % 2 === 1 ? ['stop_keyword'] : []),
        'manual',
      ]);
    }
  });
});

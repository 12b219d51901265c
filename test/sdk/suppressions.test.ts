import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import {
  AuthenticationError,
  createPartialClient,
  InvalidRequestError,
  NotFoundError,
} from '../../sdk/src/index.ts';
import { suppressions as resource } from '../../sdk/src/resources/suppressions.ts';
import { deleteRows, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type FaultyProxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { all, rejection } from './support.ts';

const ADDRESS = '+18045551234';
const HEADER = 'address,channel,scope,sender,reason,account,actor,note,created_at,updated_at\n';

describe('The suppressions of the SDK', function () {
  this.timeout(60_000);
  let service: Harness;
  let proxy: FaultyProxy;
  const clientOf = (apiKey: string, baseUrl = proxy.url) =>
    createPartialClient({ suppressions: resource }, { baseUrl, apiKey, retryDelay: 1 }).suppressions;
  let ledger: ReturnType<typeof clientOf>;
  before(async () => {
    service = await startHarness({
      API_KEYS: 'shop:key-of-the-shop-00:admin+read,reader:key-of-a-reader-00:read',
    });
    proxy = await startProxy(service.url);
    ledger = clientOf('key-of-the-shop-00');
  });
  beforeEach(() => deleteRows(service.databaseUrl, 'suppression_changes', 'suppressions'));
  after(async () => {
    await proxy?.stop();
    await service?.stop();
  });

  it('adds, lists and removes entries, and reads the history of an address', async () => {
    const { data, response } = await ledger.put(ADDRESS, { note: 'by phone' }).withResponse();
    expect([response.status, data.reason, data.actor]).to.deep.equal([201, 'manual', 'shop']);
    await ledger.put('(804) 555-1234', { reason: 'unsubscribe' });
    const sender = '+12016661234';
    await ledger.put(ADDRESS, { scope: 'sender', sender });
    const scopes = (await all(ledger.list({ address: ADDRESS, limit: 1 }))).map(({ scope }) => scope);
    expect(scopes).to.deep.equal(['sender', 'all']);
    expect(await ledger.remove(ADDRESS, { scope: 'sender', sender })).to.deep.equal({});
    expect(await rejection(ledger.remove(ADDRESS, { scope: 'sender', sender }))).to.be.instanceOf(
      NotFoundError,
    );
    const changes = (await all(ledger.history(ADDRESS, { limit: 2 }))).map(({ change, reason }) => [
      change,
      reason,
    ]);
    expect(changes).to.deep.equal([
      ['removed', 'manual'],
      ['added', 'manual'],
      ['added', 'unsubscribe'],
      ['added', 'manual'],
    ]);
  });

  const file = 'address,reason\n18045551234,manual\nnobody at all,manual\n';
  for (const [kind, given] of [
    ['a text', () => file],
    ['a blob', () => new Blob([file])],
    ['a stream', () => new Blob([file]).stream()],
  ] as const)
    it(`imports ${kind}, and exports it again as a stream`, async () => {
      // The proxy needs a length.
      const direct = clientOf('key-of-the-shop-00', service.url);
      const { added, rejected, errors } = await direct.import(given());
      expect([added, rejected, errors[0]?.line]).to.deep.equal([1, 1, 3]);
      const exported = await text(await ledger.export());
      expect(exported).to.match(/^address,channel,.*\n\+18045551234,sms,all,,manual,,shop,,[^,]+,[^,]+\n$/);
      expect(await text(await ledger.export({ channel: 'email' }))).to.equal(HEADER);
      expect(await ledger.import(exported)).to.include({ added: 0, unchanged: 1 });
    });

  it('sends a stream while it is made', async () => {
    const rows = Array.from({ length: 1_000 }, (_, n) => `1804${`${n}`.padStart(7, '0')}\n`).join('');
    const parts = ['address\n', rows, '18045551234\n'];
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = parts.shift();
        if (parts.length === 0)
          await until(
            async () => (await query(service.databaseUrl, 'select from suppressions')).length >= 500,
            'rows',
          );
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    const direct = clientOf('key-of-the-shop-00', service.url);
    expect(await direct.import(stream)).to.include({ rows: 1_001, added: 1_001 });
  });

  it('throws the error of the service, with the line of a broken file', async () => {
    const broken = await rejection(ledger.import('address\n"18045551234\n'));
    expect(broken).to.be.instanceOf(InvalidRequestError);
    expect((broken as InvalidRequestError).errors[0]).to.include({ path: '/body' });
    const reader = clientOf('key-of-a-reader-00');
    expect(await rejection(reader.import(file))).to.be.instanceOf(AuthenticationError);
    expect(await rejection(reader.export())).to.be.instanceOf(AuthenticationError);
  });

  it('repeats an export before its first byte, and an import only if it is told so', async () => {
    proxy.faults.push({ type: 'status', status: 503 });
    expect(await text(await ledger.export())).to.equal(HEADER);
    proxy.faults.push({ type: 'status', status: 503 });
    proxy.requests.length = 0;
    await rejection(ledger.import(file));
    expect(proxy.requests).to.have.length(1);
    proxy.faults.length = 0;
    proxy.faults.push({ type: 'status', status: 503 });
    expect(await ledger.import(file, { maxRetries: 2 })).to.include({ added: 1 });
  });
});

import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import { faultsBy } from '../../conformance/contract.ts';
import { deleteRows, query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { startPostgresProxy } from '../../support/postgres-proxy.ts';
import { chunk, connectRaw, exchange, head } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const PATH = '/api/suppressions/import';
const CSV = { 'content-type': 'text/csv' };
/** More than one batch of rows. */
const BATCHES = 1_700;

describe('POST /api/suppressions/import', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ REQUEST_TIMEOUT_MS: '1000' });
  });
  beforeEach(() => deleteRows(service.databaseUrl, 'suppression_changes', 'suppressions', 'event_inbox'));
  after(() => service.stop());

  const send = (file: string | Buffer, headers: Record<string, string> = CSV) =>
    exchange(service.url, 'POST', PATH, headers, file);
  const result = async (file: string | Buffer): Promise<Schema<'ImportResult'>> => {
    const { status, body } = await send(file);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(faultsBy({ $ref: '#/components/schemas/ImportResult' }, body)).to.equal(null);
    return body;
  };
  const counts = async (file: string) => {
    const { rows, added, changed, unchanged, rejected } = await result(file);
    return { rows, added, changed, unchanged, rejected };
  };
  const entries = () =>
    query<{
      address: string;
      scope: string;
      sender: string;
      reasons: string[];
      note: string;
      created_at: Date;
    }>(
      service.databaseUrl,
      'select address, scope, sender, reasons, note, created_at from suppressions order by address, scope',
    );
  const addresses = async () => (await entries()).map(({ address }) => address);
  const history = () =>
    query(service.databaseUrl, 'select reason, reasons, note from suppression_changes order by id');

  describe('stores', () => {
    it('every column in any order, with the defaults of putSuppression', async () => {
      const file = [
        'Note,REASON,address,created_at,sender, scope',
        '"by ""phone"", twice",complaint,ada@EXAMPLE.com,2020-02-03T04:05:06+01:00,,channel',
        ',,(804) 555-1234,,,',
        ',stop_keyword,+18045550000,,2016661234,sender',
      ];
      expect(await result(file.join('\n'))).to.deep.equal({
        ...{ rows: 3, added: 3, changed: 0, unchanged: 0, rejected: 0, errors: [] },
      });
      const stored = await entries();
      expect(stored.map(({ created_at: _, ...entry }) => entry)).to.deep.equal([
        {
          address: '+18045550000',
          scope: 'sender',
          sender: '+12016661234',
          reasons: ['stop_keyword'],
          note: null,
        },
        { address: '+18045551234', scope: 'all', sender: null, reasons: ['manual'], note: null },
        {
          address: 'ada@example.com',
          scope: 'channel',
          sender: null,
          reasons: ['complaint'],
          note: 'by "phone", twice',
        },
      ]);
      expect(stored[2]?.created_at.toISOString()).to.equal('2020-02-03T03:05:06.000Z');
    });

    it('nothing new when it is repeated, and counts what it adds and changes', async () => {
      const file = 'address,reason,note\n18045551234,manual,a\n18045550000,unsubscribe,\n';
      expect(await counts(file)).to.deep.equal({ rows: 2, added: 2, changed: 0, unchanged: 0, rejected: 0 });
      expect(await counts(file)).to.deep.equal({ rows: 2, added: 0, changed: 0, unchanged: 2, rejected: 0 });
      expect(await history()).to.have.length(2);
      const more =
        'address,reason,note\n18045551234,complaint,b\n18045551234,unsubscribe,c\n18045550000,manual,\n';
      expect(await counts(more)).to.deep.equal({ rows: 3, added: 0, changed: 3, unchanged: 0, rejected: 0 });
      expect(await counts(more)).to.deep.equal({ rows: 3, added: 0, changed: 0, unchanged: 3, rejected: 0 });
      expect((await entries()).map(({ reasons, note }) => [reasons, note])).to.deep.equal([
        [['manual', 'unsubscribe'], null],
        [['complaint', 'manual', 'unsubscribe'], 'b'],
      ]);
      expect(await history()).to.deep.include({
        ...{ reason: 'unsubscribe', reasons: ['complaint', 'manual', 'unsubscribe'], note: 'c' },
      });
    });

    it('no note of another reason', async () => {
      await result('address,reason,note\n18045551234,manual,by phone\n18045551234,stop_keyword,\n');
      expect((await entries()).map(({ reasons, note }) => [reasons, note])).to.deep.equal([
        [['stop_keyword', 'manual'], null],
      ]);
    });

    it('one event and one line of the history for each reason that it adds', async () => {
      await result(`address\n${rows(BATCHES)}`);
      const [{ events, subjects }] = (await query(
        service.databaseUrl,
        `select count(*)::int as events, count(distinct subject_id)::int as subjects from (
           select type, subject_id from event_inbox union all select type, subject_id from events) as events
         where type = 'suppression.added' and subject_id in (select id from suppression_changes)`,
      )) as [{ events: number; subjects: number }];
      expect([events, subjects]).to.deep.equal([BATCHES, BATCHES]);
      const { body } = await service.request('GET', '/api/suppressions/18040000007/history');
      expect(body.data).to.have.length(1);
      expect(body.data[0]).to.include({ change: 'added', reason: 'manual', address: '+18040000007' });
    });

    it('the same entries as racing imports of one file, in other orders, and racing requests', async () => {
      const lines = rows(BATCHES).split('\n');
      const files = [lines, lines.toReversed(), [...lines.slice(900), ...lines.slice(0, 900)]];
      const results = await Promise.all([
        ...files.map((file) => result(`address\n${file.join('\n')}`)),
        ...Array.from({ length: 20 }, (_, n) => service.request('PUT', `/api/suppressions/${number(n)}`, {})),
      ]);
      const added = results.map((each) => ('added' in each ? each.added : each.status === 201 ? 1 : 0));
      expect(added.reduce((sum, each) => sum + each, 0)).to.equal(BATCHES);
      expect(await history()).to.have.length(BATCHES);
    });

    it('a file with a byte order mark, CRLF, empty lines and no line end at its end', async () => {
      const file = '\ufeffaddress,note\r\n\r\n18045551234,"two\r\nlines"\r\n\r\n18045550000,x';
      expect(await counts(file)).to.include({ rows: 2, added: 2 });
      expect((await entries()).map(({ note }) => note)).to.deep.equal(['x', 'two\r\nlines']);
    });

    it('an exported file, with several reasons of an entry and texts of every kind', async () => {
      const put = (path: string, body: object) => service.request('PUT', `/api/suppressions/${path}`, body);
      await put('18045551234', { reason: 'unsubscribe' });
      await put('18045551234', { reason: 'complaint', note: 'a "quote",\r\nand a line\nand =1+1 — ñ 😀' });
      await put('18045551234', { scope: 'sender', sender: '12016661234' });
      await put('ada%40example.com', { scope: 'channel', note: ' x' });
      const before = await entries();
      const { body: file } = await service.request('GET', '/api/suppressions/export');
      expect(await counts(file)).to.deep.equal({ rows: 4, added: 0, changed: 0, unchanged: 4, rejected: 0 });
      await deleteRows(service.databaseUrl, 'suppressions');
      expect(await counts(file)).to.deep.equal({ rows: 4, added: 3, changed: 1, unchanged: 0, rejected: 0 });
      expect(await entries()).to.deep.equal(before);
    });

    it('a header without rows', async () => {
      expect(await counts('address\n')).to.deep.equal({
        rows: 0,
        added: 0,
        changed: 0,
        unchanged: 0,
        rejected: 0,
      });
    });
  });

  describe('reports', () => {
    it('the first error of each bad row with its line, column and code, and stores the other rows', async () => {
      const file = [
        'address,scope,sender,reason,note,created_at',
        '18045551234,,,,"two\r\nlines",',
        ',,,,,',
        'nobody at all,,,,,',
        'ACME,,,,,',
        '18045551234,some,,,,',
        '18045551234,sender,,,,',
        '18045551234,sender,ada@example.com,,,',
        '18045551234,all,12016661234,,,',
        '18045551234,,,because,,',
        `18045551234,,,,${'x'.repeat(501)},`,
        '18045551234,,,,a\0b,',
        '18045551234,,,,,yesterday',
        '18045551234,,',
        '18045551234,,,,,,',
        '18045550000,,,,,',
      ];
      const { rows: all, added, rejected, errors } = await result(file.join('\r\n'));
      expect([all, added, rejected]).to.deep.equal([15, 2, 13]);
      expect(errors.map(({ line, column, code }) => [line, column, code])).to.deep.equal([
        [4, 'address', 'required'],
        [5, 'address', 'invalid'],
        [6, 'address', 'invalid'],
        [7, 'scope', 'invalid'],
        [8, 'sender', 'required'],
        [9, 'sender', 'invalid'],
        [10, 'sender', 'not_allowed'],
        [11, 'reason', 'invalid'],
        [12, 'note', 'too_long'],
        [13, 'note', 'invalid'],
        [14, 'created_at', 'invalid'],
        [15, null, 'column_count'],
        [16, null, 'column_count'],
      ]);
      expect(await addresses()).to.deep.equal(['+18045550000', '+18045551234']);
    });

    it('the rows that putSuppression refuses, such as a number that is cut off', async () => {
      const { rejected, errors } = await result('address\n+1804\n*123\n+18045551234\n');
      expect([rejected, errors.map(({ line }) => line)]).to.deep.equal([2, [2, 3]]);
      expect(await addresses()).to.deep.equal(['+18045551234']);
    });

    it('every row of a large file in which all rows are bad', async () => {
      const { rejected, errors } = await result(`address\n${'x y z\n'.repeat(100_000)}`);
      expect([rejected, errors.length]).to.deep.equal([100_000, 100_000]);
      expect(errors.at(-1)).to.deep.equal({
        ...{ line: 100_001, column: 'address', code: 'invalid' },
        message: 'is not exactly one phone number, short code or email address',
      });
    }).timeout(60_000);
  });

  describe('refuses', () => {
    for (const [what, file, messages] of [
      ['an empty body', '', ['has no header row']],
      ['a file with empty lines only', '\n\n', ['has no header row']],
      ['a header without an address', 'phone,note\n1,2', [/"phone" is unknown/, /address is missing/]],
      ['a repeated column', 'address,note,Address\na,b,c', [/address is repeated/]],
      [
        'other separators',
        'address;note\n18045551234;x',
        [/"address;note" is unknown/, /address is missing/],
      ],
      ['a file that is no text', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]), ['line 1 is not UTF-8']],
    ] as const)
      it(`${what} with 422, and stores nothing`, async () => {
        const { status, body } = await send(file);
        expect([status, body.code]).to.deep.equal([422, 'invalid_request']);
        expect(body.errors.map(({ path }: { path: string }) => path)).to.deep.equal(
          messages.map(() => '/body'),
        );
        for (const [index, message] of messages.entries())
          expect(body.errors[index].message).to.match(RegExp(message));
        expect(await entries()).to.deep.equal([]);
      });

    const good = '18045551234\n18045550000\n';
    for (const [what, rest, message] of [
      ['a quote inside a field', '1804"555\n18045559999\n', /^line 4 has a quote inside a field/],
      ['a text after a quoted field', '"18045559999"x\n18045559998\n', /^line 4 has a quote inside a field/],
      [
        'a quote that is not closed',
        '"18045559999\n18045559998\n',
        /^line 5 is after a quote that is not closed/,
      ],
      [
        'a quote that is not closed before a long rest',
        `"x\n${rows(4_000)}`,
        /in a row with more than 16384 bytes/,
      ],
      [
        'a row that is too long',
        `${'x'.repeat(70_000)}\n18045559999\n`,
        /^line 4 is in a row with more than 16384 bytes/,
      ],
      ['bytes that are not UTF-8', Buffer.from('caf\xe9\n18045559999\n', 'latin1'), /^line 4 is not UTF-8/],
      ['a last line that is not UTF-8', Buffer.from('caf\xe9', 'latin1'), /^line 4 is not UTF-8/],
    ] as const)
      it(`a file with ${what} with 422 and the line, and keeps the rows before it`, async () => {
        const { status, body } = await send(
          Buffer.concat([Buffer.from(`address\n${good}`), Buffer.from(rest as string)]),
        );
        expect([status, body.code]).to.deep.equal([422, 'invalid_request']);
        expect(body.errors[0].message).to.match(message);
        expect(body.errors[0].message).to.include(
          'rows before it: 2 added, 0 changed, 0 unchanged, 0 rejected',
        );
        expect(await addresses()).to.deep.equal(['+18045550000', '+18045551234']);
      });

    for (const [what, headers] of [
      ['another content type', { 'content-type': 'application/json' }],
      ['no content type', {}],
      ['another charset', { 'content-type': 'text/csv; charset=latin1' }],
      ['a compressed body', { ...CSV, 'content-encoding': 'gzip' }],
    ] as const)
      it(`${what} with 415`, async () => {
        const { status, body } = await send('address\n18045551234\n', headers);
        expect([status, body.code]).to.deep.equal([415, 'unsupported_media_type']);
        expect(await entries()).to.deep.equal([]);
      });

    it('a body over 256 MiB with 413, before it arrives', async () => {
      const headers = { ...CSV, 'content-length': 256 * 1_048_576 + 1 };
      const { status, body } = await exchange(service.url, 'POST', PATH, headers);
      expect([status, body.code]).to.deep.equal([413, 'payload_too_large']);
    });

    it('an unknown parameter with 422, as every operation', async () => {
      const { status, body } = await exchange(
        service.url,
        'POST',
        `${PATH}?dry_run=true`,
        CSV,
        'address\n18045551234\n',
      );
      expect([status, body.errors[0].path]).to.deep.equal([422, '/query/dry_run']);
      expect(await entries()).to.deep.equal([]);
    });
  });

  describe('while the file arrives', () => {
    const start = async (url = service.url) => {
      const connection = await connectRaw(url);
      connection.write(head('POST', PATH, { ...CSV, 'transfer-encoding': 'chunked' }));
      connection.write(chunk(`address\n${rows(BATCHES)}`));
      return connection;
    };
    const untilStored = (url = service.databaseUrl) =>
      until(async () => (await query(url, 'select from suppressions')).length >= 1_500, 'stored batches');

    it('stores batches at once, and accepts a file that takes longer than other requests may', async () => {
      const other = await connectRaw(service.url);
      const connection = await start();
      other.write(
        head('POST', '/api/messages/sms', { 'content-type': 'application/json', 'content-length': 9 }),
      );
      await untilStored();
      expect(await other.receive(/\r\n\r\n/)).to.match(/^HTTP\/1.1 408 /);
      connection.write(chunk('\n18045551234\n') + chunk(''));
      expect(await connection.receive(/]}/)).to.match(/^HTTP\/1.1 200 [\s\S]*"added":1701,/);
      connection.write(head('GET', '/healthz', {}));
      expect(await connection.receive(/"status":"ok"/), 'the connection is kept').to.be.a('string');
      connection.close();
      other.close();
    });

    it('keeps the stored batches of a client that disconnects, and serves the next import', async () => {
      const connection = await start();
      await untilStored();
      connection.close();
      const added = await query(service.databaseUrl, 'select from suppressions');
      expect(added).to.have.length(1_500);
      expect(await counts(`address\n${rows(BATCHES)}`)).to.include({ added: 200, unchanged: 1_500 });
    });

    it('reports a chunk that is malformed with 400, and keeps the stored batches', async () => {
      const connection = await start();
      await untilStored();
      connection.write('nonsense\r\n');
      expect(await connection.receive(/bad_request/)).to.match(/^HTTP\/1.1 400 /);
      connection.close();
    });

    it('ends with 503 when the service stops, and the next service continues', async () => {
      const own = await startHarness();
      const connection = await start(own.url);
      await untilStored(own.databaseUrl);
      const stopped = own.stop();
      connection.write(chunk(`\n${rows(BATCHES, BATCHES)}`));
      const response = await connection.receive(/Repeating the import is safe/);
      expect(response).to.match(/^HTTP\/1.1 503 [\s\S]*The service is stopping\. Rows before it: 1500 added/);
      connection.close();
      await stopped;
    });

    it('ends with 503 when the database is lost, and says what is stored', async () => {
      const proxy = await startPostgresProxy(service.databaseUrl, () => ({}));
      const own = await startHarness({ DATABASE_URL: proxy.url });
      try {
        const connection = await start(own.url);
        await untilStored();
        proxy.stop();
        connection.write(chunk(`\n${rows(BATCHES, BATCHES)}`));
        const response = await connection.receive(/Repeating the import is safe/);
        expect(response).to.match(
          /^HTTP\/1.1 503 [\s\S]*The database is not available\. Rows before it: 1500 added/,
        );
        connection.close();
      } finally {
        await own.stop();
      }
    });
  });
});

function rows(count: number, first = 0): string {
  return Array.from({ length: count }, (_, n) => number(first + n)).join('\n');
}

function number(n: number): string {
  return `1804${`${n}`.padStart(7, '0')}`;
}

import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import { faultsBy } from '../../conformance/contract.ts';
import { deleteRows, query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { startPostgresProxy } from '../../support/postgres-proxy.ts';
import { chunk, connectRaw, exchange, head } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const PATH = '/api/media';
const JPEG = { 'content-type': 'image/jpeg' };
const MIB = 1_048_576;

describe('POST /api/media', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      REQUEST_TIMEOUT_MS: '1000',
      PUBLIC_URL: 'https://messages.example.com',
      API_KEYS: 'shop:key-of-the-shop:send,reader:key-of-the-reader:read',
    });
  });
  beforeEach(() => deleteRows(service.databaseUrl, 'message_media', 'media', 'media_objects'));
  after(() => service.stop());

  const key = { authorization: 'Bearer key-of-the-shop' };
  const send = (
    file: string | Buffer | undefined,
    headers: Record<string, string | number> = JPEG,
    path = PATH,
  ) => exchange(service.url, 'POST', path, { ...key, ...headers }, file);
  const objects = (url = service.databaseUrl) => query(url, 'select from media_objects');
  const untilNothingIsStored = (url = service.databaseUrl) =>
    until(async () => (await objects(url)).length === 0, 'no object');
  const start = async (url = service.url) => {
    const connection = await connectRaw(url);
    connection.write(head('POST', PATH, { ...key, ...JPEG, 'transfer-encoding': 'chunked' }));
    connection.write(chunk('x'.repeat(MIB)));
    return connection;
  };
  const untilStored = (chunks: number, url = service.databaseUrl) =>
    until(async () => (await query(url, 'select from media_chunks')).length >= chunks, 'stored chunks');

  describe('stores', () => {
    it('the file, its type without parameters, its size, its name and the key of the caller', async () => {
      const file = Buffer.from([0xff, 0xd8, 0x00, 0xff]);
      const { status, headers, body } = await send(
        file,
        { 'content-type': 'Image/JPEG; q="a;b"' },
        `${PATH}?name=${encodeURIComponent('Beleg für Ada 😀.jpg')}`,
      );
      expect(status, JSON.stringify(body)).to.equal(201);
      expect(faultsBy({ $ref: '#/components/schemas/Media' }, body)).to.equal(null);
      const { id, url, created_at, ...others } = body as Schema<'Media'>;
      expect(headers.location).to.equal(`/api/media/${id}`);
      expect(url).to.match(RegExp(`^https://messages.example.com/api/media/${id}/content\\?expires=`));
      expect(Date.parse(created_at)).to.be.closeTo(Date.now(), 60_000);
      expect(others).to.deep.equal({
        ...{ state: 'stored', content_type: 'image/jpeg', size: 4, error: null },
        name: 'Beleg für Ada 😀.jpg',
      });
      const [row] = await query(service.databaseUrl, 'select sha256, actor from media');
      expect(row).to.deep.equal({
        sha256: createHash('sha256').update(file).digest(),
        actor: 'shop',
      });
      const read = await service.request('GET', `${PATH}/${id}`, undefined, {
        authorization: 'Bearer key-of-the-reader',
      });
      expect(read.body).to.deep.equal(body);
    });

    it('a file of 25 MiB, and a file for SMS of 5,000,000 bytes', async () => {
      const largest = await send(Buffer.alloc(25 * MIB, 'x'), { 'content-type': 'application/zip' });
      expect([largest.status, largest.body.size]).to.deep.equal([201, 25 * MIB]);
      const sms = await send(Buffer.alloc(5_000_000, 'x'), JPEG, `${PATH}?channel=sms`);
      expect([sms.status, sms.body.size]).to.deep.equal([201, 5_000_000]);
    });

    it('files that arrive at the same time, in more time than other requests have', async () => {
      const connections = [await start(), await start()];
      await untilStored(4);
      const late = await connectRaw(service.url);
      late.write(
        head('POST', '/api/messages/sms', {
          ...key,
          'content-type': 'application/json',
          'content-length': 9,
        }),
      );
      expect(await late.receive(/\r\n\r\n/)).to.match(/^HTTP\/1.1 408 /);
      late.close();
      for (const connection of connections) {
        connection.write(chunk('y') + chunk(''));
        expect(await connection.receive(/}/)).to.match(/^HTTP\/1.1 201 [\s\S]*"size":1048577,/);
        connection.close();
      }
    });

    it('the file of a client that waits for 100 Continue', async () => {
      const connection = await connectRaw(service.url);
      connection.write(head('POST', PATH, { ...key, ...JPEG, 'content-length': 4, expect: '100-continue' }));
      await connection.receive(/^HTTP\/1.1 100 Continue\r\n\r\n/);
      connection.write('four');
      expect(await connection.receive(/}/)).to.match(/HTTP\/1.1 201 /);
      connection.close();
    });
  });

  describe('refuses', () => {
    afterEach(async () => {
      await untilNothingIsStored();
      expect(await query(service.databaseUrl, 'select from media')).to.deep.equal([]);
    });

    for (const [what, headers] of [
      ['no content type', {}],
      ['a content type that is none', { 'content-type': 'jpeg' }],
      ['a content type with a wildcard', { 'content-type': 'image/*' }],
      ['two content types', { 'content-type': 'image/jpeg, image/png' }],
      ['a form', { 'content-type': 'multipart/form-data; boundary=x' }],
      ['the type of a simple form', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['a compressed body', { ...JPEG, 'content-encoding': 'gzip' }],
    ] as const)
      it(`${what} with 415`, async () => {
        const { status, body } = await send('x', headers);
        expect([status, body.code]).to.deep.equal([415, 'unsupported_media_type']);
      });

    it('a body without a type with the header that a client must set', async () => {
      const { body } = await send('x', { 'content-type': 'application/x-www-form-urlencoded' });
      expect(body.detail).to.include('Content-Type must be the type of the file');
    });

    it('a type that no SMS or MMS can have with 415, only for this channel', async () => {
      const zip = { 'content-type': 'application/zip' };
      const { status, body } = await send('x', zip, `${PATH}?channel=sms`);
      expect([status, body.code]).to.deep.equal([415, 'unsupported_media_type']);
      expect(body.detail).to.include('application/zip');
      expect((await send('x', zip, `${PATH}?channel=email`)).status).to.equal(201);
      await deleteRows(service.databaseUrl, 'message_media', 'media', 'media_objects');
    });

    for (const [what, path, size] of [
      ['25 MiB', PATH, 25 * MIB + 1],
      ['5,000,000 bytes for SMS', `${PATH}?channel=sms`, 5_000_001],
    ] as const) {
      it(`a file over ${what} with 413, before it arrives`, async () => {
        const { status, body } = await send(undefined, { ...JPEG, 'content-length': size }, path);
        expect([status, body.code]).to.deep.equal([413, 'payload_too_large']);
      });

      it(`a file over ${what} without a length with 413, while it arrives`, async () => {
        const connection = await connectRaw(service.url);
        connection.write(head('POST', path, { ...key, ...JPEG, 'transfer-encoding': 'chunked' }));
        connection.write(chunk('x'.repeat(size)));
        expect(await connection.receive(/"payload_too_large"/)).to.match(/^HTTP\/1.1 413 /);
        connection.close();
      });
    }

    for (const [what, headers] of [
      ['without a body', {}],
      ['with a length of 0', { 'content-length': 0 }],
      ['that ends without a byte', { 'transfer-encoding': 'chunked' }],
    ] as const)
      it(`a file ${what} with 422`, async () => {
        const connection = await connectRaw(service.url);
        connection.write(head('POST', PATH, { ...key, ...JPEG, ...headers }));
        if ('transfer-encoding' in headers) connection.write(chunk(''));
        const response = await connection.receive(/}/);
        expect(response).to.match(/^HTTP\/1.1 422 [\s\S]*"path":"\/body","message":"has no bytes"/);
        connection.close();
      });

    for (const [what, parameters, path] of [
      ['a name with a path', 'name=..%2Fpasswd', '/query/name'],
      ['a name with a line end', 'name=a%0Ab', '/query/name'],
      ['a name with a NUL character', 'name=a%00b', '/query/name'],
      ['a name with half a surrogate pair', 'name=%ED%A0%80', '/query'],
      ['a name that is too long', `name=${'x'.repeat(256)}`, '/query/name'],
      ['an empty name', 'name=', '/query/name'],
      ['two names', 'name=a&name=b', '/query/name'],
      ['an unknown channel', 'channel=fax', '/query/channel'],
      ['an unknown parameter', 'type=image', '/query/type'],
    ] as const)
      it(`${what} with 422`, async () => {
        const { status, body } = await send('x', JPEG, `${PATH}?${parameters}`);
        expect([status, body.errors?.[0]?.path]).to.deep.equal([422, path]);
      });

    it('callers without the scope send', async () => {
      const reader = await exchange(
        service.url,
        'POST',
        PATH,
        { ...JPEG, authorization: 'Bearer key-of-the-reader' },
        'x',
      );
      expect([reader.status, reader.body.required_scope]).to.deep.equal([403, 'send']);
      expect((await exchange(service.url, 'POST', PATH, JPEG, 'x')).status).to.equal(401);
    });
  });

  it('refuses an upload with 503 while 64 others are running, until one of them ends', async () => {
    const running = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const connection = await connectRaw(service.url);
        connection.write(head('POST', PATH, { ...key, ...JPEG, 'content-length': 2 }));
        connection.write('x');
        return connection;
      }),
    );
    await until(async () => (await objects()).length === 64, '64 uploads');
    const { status, headers, body } = await send('x');
    expect([status, body.code, headers['retry-after']]).to.deep.equal([503, 'unavailable', '1']);
    running[0]?.write('y');
    await running[0]?.receive(/^HTTP\/1.1 201 /);
    expect((await send('x')).status).to.equal(201);
    for (const connection of running) connection.close();
    await until(async () => (await objects()).length === 2, 'the two stored files');
  });

  describe('keeps nothing', () => {
    it('of a client that disconnects', async () => {
      const connection = await start();
      await untilStored(2);
      connection.close();
      await untilNothingIsStored();
    });

    it('of a body that is malformed, and answers 400', async () => {
      const connection = await start();
      await untilStored(2);
      connection.write('nonsense\r\n');
      expect(await connection.receive(/bad_request/)).to.match(/^HTTP\/1.1 400 /);
      await untilNothingIsStored();
      connection.close();
    });

    it('of an upload that is running when the service stops', async () => {
      const own = await startHarness({ STOP_TIMEOUT_MS: '500' });
      const connection = await start(own.url);
      await untilStored(2, own.databaseUrl);
      await own.stop();
      await connection.closed();
      await untilNothingIsStored(own.databaseUrl);
    });

    it('of an upload during which the database is lost, and answers 503', async () => {
      const proxy = await startPostgresProxy(service.databaseUrl, () => ({}));
      const own = await startHarness({ DATABASE_URL: proxy.url });
      try {
        const connection = await start(own.url);
        await untilStored(2);
        proxy.stop();
        connection.write(chunk('x'.repeat(MIB)) + chunk(''));
        expect(await connection.receive(/"unavailable"/)).to.match(/^HTTP\/1.1 503 /);
        connection.close();
        expect(await query(service.databaseUrl, 'select from media')).to.deep.equal([]);
      } finally {
        await own.stop();
      }
    });
  });
});

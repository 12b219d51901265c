import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import {
  AuthenticationError,
  type Client,
  createClient,
  type FileContent,
  InvalidRequestError,
  NotFoundError,
} from '../../sdk/src/index.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type FaultyProxy, startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';
import { rejection } from './support.ts';

/** ASCII, because the proxy records text. */
const BYTES = Uint8Array.from({ length: 1_000 }, (_, n) => n % 128);
const JPEG = { contentType: 'image/jpeg' };
const MIB = 1_048_576;

describe('The media of the SDK', function () {
  this.timeout(60_000);
  let service: Harness;
  let proxy: FaultyProxy;
  let client: Client;
  /** Without the proxy, which needs a length. */
  let direct: Client;
  before(async () => {
    service = await startHarness({
      PUBLIC_URL: 'https://messages.example.com',
      API_KEYS: 'shop:key-of-the-shop-00,reader:key-of-a-reader-00:read',
    });
    proxy = await startProxy(service.url);
    const options = { apiKey: 'key-of-the-shop-00', retryDelay: 1 };
    client = createClient({ ...options, baseUrl: proxy.url });
    direct = createClient({ ...options, baseUrl: service.url });
  });
  after(async () => {
    await proxy?.stop();
    await service?.stop();
  });
  const read = async (id: number, range?: string) => buffer(await direct.media.content(id, { range }));

  it('uploads a file with its name and type, describes it, and downloads it', async () => {
    const { data, response } = await client.media
      .upload(new File([BYTES], 'receipt.png', { type: 'image/png' }), { channel: 'sms' })
      .withResponse();
    expect(response.status).to.equal(201);
    expect(data).to.include({ state: 'stored', content_type: 'image/png', size: 1_000, name: 'receipt.png' });
    expect(await client.media.get(data.id)).to.deep.equal({ ...data });
    expect(await read(data.id)).to.deep.equal(Buffer.from(BYTES));
  });

  const kinds: Record<string, () => FileContent> = {
    'a blob': () => new Blob([BYTES]),
    'an array buffer': () => BYTES.slice().buffer,
    'a typed array': () => BYTES,
    'a stream': () => new Blob([BYTES]).stream(),
    'a stream of Node.js': () => Readable.from([Buffer.from(BYTES.subarray(0, 400)), BYTES.subarray(400)]),
  };
  for (const [kind, make] of Object.entries(kinds))
    it(`uploads ${kind} with the given type and name`, async () => {
      const { id, ...file } = await direct.media.upload(make(), { ...JPEG, name: 'a.jpg' });
      expect(file).to.include({ content_type: 'image/jpeg', size: 1_000, name: 'a.jpg' });
      expect(await read(id)).to.deep.equal(Buffer.from(BYTES));
    });

  it('sends a stream while it is made', async () => {
    const chunks = () => query(service.databaseUrl, 'select from media_chunks');
    const before = (await chunks()).length;
    async function* parts() {
      yield new Uint8Array(MIB);
      await until(async () => (await chunks()).length > before, 'a part is stored');
      yield BYTES;
    }
    const { size } = await direct.media.upload(parts(), { ...JPEG, maxRetries: 0 });
    expect(size).to.equal(MIB + 1_000);
  });

  it('downloads a range, with the headers of the response', async () => {
    const { id } = await client.media.upload(new Blob([BYTES]), JPEG);
    const { data, response } = await direct.media.content(id, { range: 'bytes=10-19' }).withResponse();
    expect(response.status).to.equal(206);
    expect(response.headers.get('content-range')).to.equal('bytes 10-19/1000');
    expect(await buffer(data)).to.deep.equal(Buffer.from(BYTES.subarray(10, 20)));
    const outside = await rejection(client.media.content(id, { range: 'bytes=1000-' }));
    expect(outside).to.be.instanceOf(InvalidRequestError).and.include({ status: 416 });
  });

  it('ends a download when its signal is aborted', async () => {
    const { id } = await direct.media.upload(new Blob([new Uint8Array(16 * MIB)]), JPEG);
    const stopping = new AbortController();
    const reader = (await direct.media.content(id, { signal: stopping.signal })).getReader();
    await reader.read();
    stopping.abort(new Error('stopped'));
    const readAll = async () => {
      while (!(await reader.read()).done);
    };
    expect(await rejection(readAll())).to.include({ message: 'stopped' });
  });

  it('repeats an upload after a fault, with the whole file, and a download before its first byte', async () => {
    proxy.requests.length = 0;
    proxy.faults.push({ type: 'status', status: 503 }, { type: 'lost_response' });
    const { id } = await client.media.upload(new Blob([BYTES]), JPEG);
    expect(proxy.requests).to.have.length(3);
    expect(await read(id)).to.deep.equal(Buffer.from(BYTES));
    proxy.faults.push({ type: 'status', status: 503 });
    expect(await buffer(await client.media.content(id))).to.deep.equal(Buffer.from(BYTES));
  });

  it('sends the file with a message', async () => {
    const { id } = await client.media.upload(new Blob([BYTES]), { ...JPEG, name: 'parcel.jpg' });
    const message = { from: '+12016661234', to: '+18045551234', body: 'Look:', media_ids: [id] };
    const { media } = await client.messages.send({ ...message, type: 'mms' });
    expect(media?.map(({ name, state }) => [name, state])).to.deep.equal([['parcel.jpg', 'stored']]);
  });

  it('throws the errors of the service', async () => {
    const untyped = await rejection(direct.media.upload(BYTES));
    expect(untyped).to.be.instanceOf(InvalidRequestError).and.include({ status: 415 });
    const program = new Blob([BYTES], { type: 'application/x-msdownload' });
    expect(await rejection(client.media.upload(program, { channel: 'sms' }))).to.include({ status: 415 });
    expect(await rejection(client.media.upload(new Blob([]), JPEG))).to.include({ status: 422 });
    expect(await rejection(client.media.get(999_999))).to.be.instanceOf(NotFoundError);
    expect(await rejection(client.media.content(999_999))).to.be.instanceOf(NotFoundError);
    const reader = createClient({ baseUrl: service.url, apiKey: 'key-of-a-reader-00' });
    expect(await rejection(reader.media.upload(BYTES, JPEG))).to.be.instanceOf(AuthenticationError);
  });
});

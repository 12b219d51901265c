import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import {
  type FileServer,
  type MediaBench,
  startFileServer,
  startMediaBench,
  type WorkerOptions,
} from '../../support/media-bench.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const PICTURE = Buffer.from('a picture');
/** A file of a text message has at most 25 MiB. */
const MAX_BYTES = 25 * MIB;
const LAST = 11;

describe('The worker that fetches files, from hostile servers', function () {
  this.timeout(60_000);
  let own: FileServer;
  let other: FileServer;
  let bench: MediaBench;
  let sent = 0;
  before(async () => {
    other = await startFileServer((path, response) => {
      if (path === '/to-loopback') return redirect(response, `${other.url}/picture`);
      return sendPicture(response);
    });
    own = await startFileServer((path, response) => PATHS[path.split('?')[0] as string]?.(response));
    bench = await startMediaBench(own.url);
  });
  after(async () => {
    await bench?.stop();
    await own?.stop();
    await other?.stop();
  });
  beforeEach(() => {
    sent = 0;
    own.requests.length = 0;
    other.requests.length = 0;
  });

  /** The other server, by a name that `ALLOWED_PRIVATE_HOSTS` has. */
  const named = (path: string) => other.url.replace('127.0.0.1', 'localhost') + path;
  const redirect = (response: ServerResponse, location: string) =>
    response.writeHead(302, { location }).end();
  const sendPicture = (response: ServerResponse, headers: Record<string, string> = {}) =>
    response.writeHead(200, { 'content-type': 'image/png', ...headers }).end(PICTURE);
  /** Sends a body without an end, and counts its bytes. */
  const sendForever = async (response: ServerResponse, headers: Record<string, string> = {}) => {
    response.writeHead(200, { 'content-type': 'video/mp4', ...headers });
    const closed = once(response, 'close');
    while (!response.destroyed) {
      sent += MIB;
      if (!response.write(Buffer.alloc(MIB))) await Promise.race([once(response, 'drain'), closed]);
    }
  };
  const PATHS: Record<string, (response: ServerResponse) => unknown> = {
    '/picture': sendPicture,
    '/to-other': (response) => redirect(response, named('/picture')),
    '/to-loopback': (response) => redirect(response, `${other.url}/picture`),
    '/to-integer': (response) =>
      redirect(response, `${other.url.replace('127.0.0.1', '2130706433')}/picture`),
    '/to-metadata': (response) => redirect(response, 'http://169.254.169.254/latest/meta-data'),
    '/to-mapped': (response) => redirect(response, 'https://[::ffff:10.0.0.1]/picture'),
    '/to-file': (response) => redirect(response, 'file:///etc/passwd'),
    '/to-itself': (response) => redirect(response, '/to-itself'),
    '/huge': (response) => sendForever(response, { 'content-length': `${1_024 * MIB}` }),
    '/endless': (response) => sendForever(response),
    '/bomb': (response) =>
      response
        .writeHead(200, { 'content-type': 'image/png', 'content-encoding': 'gzip' })
        .end(gzipSync(Buffer.alloc(64 * MIB))),
    '/unknown-encoding': (response) => sendPicture(response, { 'content-encoding': 'constructor' }),
    '/not-gzip': (response) => sendPicture(response, { 'content-encoding': 'gzip' }),
    '/short-gzip': (response) =>
      response
        .writeHead(200, { 'content-type': 'image/png', 'content-encoding': 'gzip' })
        .end(gzipSync(PICTURE).subarray(0, -4)),
    '/page': (response) => sendPicture(response, { 'content-type': 'text/html; charset=utf-8' }),
    '/untyped': (response) => sendPicture(response, { 'content-type': 'application/octet-stream' }),
    '/upgrade': (response) => response.writeHead(101, { connection: 'upgrade', upgrade: 'other' }).end(),
    '/silent': () => undefined,
    '/stalled': (response) => response.writeHead(200, { 'content-type': 'image/png' }).write('a'),
    '/trickle': (response) => {
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': `${MIB}` });
      const timer = setInterval(() => response.write('a'), 20);
      response.on('close', () => clearInterval(timer));
    },
    '/cut': (response) => {
      response.writeHead(200, { 'content-type': 'image/png', 'content-length': '1000' });
      response.write(PICTURE, () => response.destroy());
    },
    '/many-headers': (response) => {
      for (let n = 0; n < 100; n++) response.setHeader(`x-${n}`, 'a'.repeat(1_000));
      sendPicture(response);
    },
  };

  /** The error of a file in its last attempt. */
  async function failureOf(url: string, options?: WorkerOptions, attempt = LAST) {
    const id = await bench.receive([url]);
    await bench.makeDue(attempt);
    const [media] = await bench.fetch(id, options);
    expect(media).to.include({ state: 'failed', size: null, url: null });
    const message = await bench.message(id);
    expect(message).to.include({ status: 'received', body: 'Look' });
    expect(message.attachments).to.deep.equal([url]);
    expect(await bench.left()).to.include({ fetches: 0 });
    return media?.error;
  }

  it('sends the credentials to the origin of the account only', async () => {
    const urls = [`${own.url}/picture`, named('/picture'), named('/picture').replace('//', '//user:secret@')];
    const media = await bench.fetch(await bench.receive(urls));
    expect(media.map(({ state }) => state)).to.deep.equal(['stored', 'stored', 'stored']);
    expect(own.requests.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer provider-key']);
    expect(other.requests.map(({ headers }) => headers.authorization)).to.deep.equal([undefined, undefined]);
    expect(other.requests[0]?.headers).to.not.have.property('cookie');
  });

  it('follows a redirect without credentials', async () => {
    const [media] = await bench.fetch(await bench.receive([`${own.url}/to-other`]));
    expect(media).to.include({ state: 'stored', size: PICTURE.length });
    expect(own.requests.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer provider-key']);
    expect(other.requests.map(({ headers }) => headers.authorization)).to.deep.equal([undefined]);
  });

  it('requests no address that is not public, at first or after a redirect', async () => {
    const urls = [
      ...['/to-loopback', '/to-integer', '/to-metadata', '/to-mapped'].map((path) => own.url + path),
      ...[`${other.url}/picture`, other.url.replace('http', 'https'), 'https://10.0.0.1/', 'http://[::1]/'],
      // A foreign host must not lead to the account's own private address.
      named('/to-loopback'),
      ...['http://1.1.1.1/picture', 'https://0x7f.1/picture', 'https://169.254.169.254/latest'],
    ];
    const media = await bench.fetch(await bench.receive(urls));
    for (const [index, { state, error }] of media.entries())
      expect([state, error?.code], urls[index]).to.deep.equal(['failed', 'address_not_allowed']);
    expect(other.requests.map(({ path }) => path)).to.deep.equal(['/to-loopback']);
  });

  it('follows at most three redirects, to http and https only', async () => {
    expect(await failureOf(`${own.url}/to-itself`)).to.deep.equal({
      ...{ code: 'unreachable', detail: 'The server redirects more than 3 times.' },
    });
    expect(own.requests).to.have.length(4);
    expect((await failureOf(`${own.url}/to-file`))?.detail).to.equal(
      'The server redirects to a URL that is not http or https.',
    );
  });

  it('does not read a file that says that it is too large', async () => {
    expect(await failureOf(`${own.url}/huge`, {}, 1)).to.deep.equal({
      ...{ code: 'too_large', detail: 'The file has more than 25 MiB.' },
    });
    expect(sent).to.be.at.most(8 * MIB);
  });

  it('ends the transfer of a file that becomes too large, and keeps nothing of the file', async () => {
    const { objects } = await bench.left();
    expect((await failureOf(`${own.url}/endless`, {}, 1))?.code).to.equal('too_large');
    expect(sent).to.be.within(MAX_BYTES, MAX_BYTES + 16 * MIB);
    expect((await bench.left()).objects).to.equal(objects);
  });

  it('limits the size of a compressed file as it is unpacked', async () => {
    const { objects } = await bench.left();
    expect((await failureOf(`${own.url}/bomb`, {}, 1))?.code).to.equal('too_large');
    expect((await bench.left()).objects).to.equal(objects);
    expect((await failureOf(`${own.url}/unknown-encoding`))?.code).to.equal('unreachable');
    expect((await failureOf(`${own.url}/not-gzip`))?.code).to.equal('unreachable');
    // This error is before the first read. An error that nothing listens to would end the process.
    expect((await failureOf(`${own.url}/short-gzip`))?.detail).to.equal('unexpected end of file');
  });

  it('ends a request without a response', async () => {
    expect(await failureOf(`${own.url}/silent`, { responseMs: 200 })).to.deep.equal({
      ...{ code: 'unreachable', detail: 'The server did not respond in time.' },
    });
    expect((await failureOf(`${own.url}/upgrade`))?.detail).to.equal('The server responded 101.');
  });

  it('ends a transfer that stalls, trickles or takes too long', async () => {
    const slow = { code: 'unreachable', detail: 'The file arrives too slowly.' };
    expect(await failureOf(`${own.url}/stalled`, { partMs: 300 })).to.deep.equal(slow);
    expect(await failureOf(`${own.url}/trickle`, { partMs: 300 })).to.deep.equal(slow);
    expect(await failureOf(`${own.url}/trickle`, { totalMs: 500 })).to.deep.equal({
      ...{ code: 'unreachable', detail: 'The file did not arrive in time.' },
    });
  });

  it('fetches the files of an account while the server of another account does not respond', async () => {
    const slow = await bench.receive(Array(5).fill(`${own.url}/silent`));
    const worker = bench.startWorker();
    await until(() => own.requestsOf('/silent').length === 4, 'the first account has all its fetches');
    const email = await bench.receive([`${own.url}/picture`], 'email');
    await until(async () => (await bench.message(email)).media[0]?.state === 'stored', 'the file is stored');
    expect(own.requestsOf('/silent')).to.have.length(4);
    await worker.stop();
    await bench.makeDue(LAST);
    await bench.fetch(slow, { responseMs: 50 });
  });

  it('stores no part of a file', async () => {
    const { objects } = await bench.left();
    expect((await failureOf(`${own.url}/cut`))?.code).to.equal('unreachable');
    expect((await failureOf(`${own.url}/many-headers`))?.code).to.equal('unreachable');
    expect((await bench.left()).objects).to.equal(objects);
  });

  it('refuses types that a text message cannot have', async () => {
    expect(await failureOf(`${own.url}/page`, {}, 1)).to.deep.equal({
      code: 'type_not_allowed',
      detail: 'Files of the type text/html are not allowed in an SMS or MMS.',
    });
    expect((await failureOf(`${own.url}/untyped`, {}, 1))?.code).to.equal('type_not_allowed');
  });

  it('logs neither the query of a URL nor credentials', async () => {
    await bench.fetch(await bench.receive([`${own.url}/picture?token=a-secret-token`]));
    await failureOf(`${own.url}/page?token=a-secret-token`);
    const text = JSON.stringify(bench.log.lines);
    expect(bench.log.of('media failed').at(-1)).to.include({ account: 'text-co', code: 'type_not_allowed' });
    expect(text).to.not.include('a-secret-token').and.not.include('provider-key');
  });
});

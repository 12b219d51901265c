import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { expect } from 'chai';
import { MediaLinks } from '../../../src/media/links.ts';
import { query } from '../../support/database.ts';
import { type Harness, secretKey, startHarness } from '../../support/harness.ts';
import { exchange, head } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const KEY = { authorization: 'Bearer key-of-the-shop' };
const ORIGIN = 'https://app.example';
const PUBLIC = 'https://messages.example.com';
const FILE = randomBytes(700_000);
const ETAG = `"${createHash('sha256').update(FILE).digest('base64url')}"`;
const links = new MediaLinks([secretKey], '');

describe('GET /api/media/{id}/content', () => {
  let service: Harness;
  let id: number;
  let path: string;
  before(async () => {
    service = await startHarness({
      PUBLIC_URL: PUBLIC,
      API_KEYS: 'shop:key-of-the-shop,sender:key-of-the-sender:send',
      CORS_ORIGINS: ORIGIN,
      RATE_LIMIT_PER_SECOND: '1000',
    });
    id = await upload(FILE, 'image/jpeg', 'receipt.jpg');
    path = `/api/media/${id}/content`;
  });
  after(() => service.stop());

  async function upload(file: Buffer | string, type: string, name?: string): Promise<number> {
    const target = `/api/media${name === undefined ? '' : `?name=${encodeURIComponent(name)}`}`;
    const { body } = await exchange(service.url, 'POST', target, { ...KEY, 'content-type': type }, file);
    return body.id;
  }
  /** The link in the description of the file, with the address of this service. */
  const linkOf = async (file = id) => {
    const { body } = await service.request('GET', `/api/media/${file}`, undefined, KEY);
    expect(body.url).to.match(RegExp(`^${PUBLIC}/api/media/${file}/content\\?`));
    return body.url.slice(PUBLIC.length) as string;
  };
  const get = async (target: string, headers: Record<string, string> = KEY, method = 'GET') => {
    const response = await fetch(service.url + target, { method, headers });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      bytes,
      problem: isJson ? JSON.parse(`${bytes}`) : null,
    };
  };

  describe('returns', () => {
    it('the file with its type, length, name and hash, and headers that keep it harmless', async () => {
      const { status, headers, bytes } = await get(path);
      expect([status, bytes.equals(FILE)]).to.deep.equal([200, true]);
      expect(headers).to.include({
        'content-type': 'image/jpeg',
        'content-length': '700000',
        'content-disposition': 'inline; filename=receipt.jpg',
        'accept-ranges': 'bytes',
        etag: ETAG,
        'cache-control': 'private, no-cache',
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers['content-security-policy']).to.match(/^default-src 'none'; .*; sandbox$/);
    });

    it('the file by its link without a key, also for pages of other origins, and lets the client keep it as long as the link is valid', async () => {
      const link = await linkOf();
      const { status, headers, bytes } = await get(link, { origin: ORIGIN });
      expect([status, bytes.equals(FILE)]).to.deep.equal([200, true]);
      expect(headers['access-control-allow-origin']).to.equal(ORIGIN);
      expect(headers['cross-origin-resource-policy']).to.equal('cross-origin');
      const [, seconds] = /^private, max-age=(\d+), immutable$/.exec(`${headers['cache-control']}`) ?? [];
      expect(Number(seconds)).to.be.within(3_500, 7_200);
    });

    it('the headers only to HEAD, which has no ranges', async () => {
      const one = await get(path, { ...KEY, range: 'bytes=0-9' }, 'HEAD');
      const whole = await get(path);
      expect([one.status, one.bytes.length]).to.deep.equal([200, 0]);
      for (const name of ['content-length', 'content-type', 'etag', 'content-disposition'])
        expect(one.headers[name], name).to.equal(whole.headers[name]);
    });

    it('nothing but the headers of the cache if the client has the file', async () => {
      for (const value of [ETAG, `W/${ETAG}`, `"other", ${ETAG}`, '*']) {
        const { status, headers, bytes } = await get(path, {
          ...KEY,
          'if-none-match': value,
          range: 'bytes=0-1',
        });
        expect([status, bytes.length, headers.etag], value).to.deep.equal([304, 0, ETAG]);
        expect(headers).to.not.have.any.keys('content-type', 'content-disposition');
      }
      expect((await get(path, { ...KEY, 'if-none-match': '"other"' })).status).to.equal(200);
    });

    for (const [type, disposition] of [
      ['image/svg+xml', 'attachment'],
      ['text/html', 'attachment'],
      ['application/zip', 'attachment'],
      ['text/plain', 'inline'],
      ['audio/mpeg', 'inline'],
      ['application/pdf', 'inline'],
    ] as const)
      it(`a file of the type ${type} as ${disposition}, with its name in every alphabet`, async () => {
        const file = await upload('x', type, 'Beleg "für" Ada 😀.x');
        const { headers } = await get(`/api/media/${file}/content`);
        expect(headers['content-type']).to.match(RegExp(`^${type.replace('+', '\\+')}(?:; charset=utf-8)?$`));
        const value = `${headers['content-disposition']}`;
        expect(value.startsWith(`${disposition}; filename=`)).to.equal(true);
        expect(value).to.include("filename*=UTF-8''Beleg%20%22f%C3%BCr%22%20Ada%20%F0%9F%98%80.x");
        expect((await get(`/api/media/${await upload('x', type)}/content`)).headers).to.include({
          'content-disposition': disposition,
        });
      });
  });

  describe('returns the range', () => {
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=524287-524288', 524_287, 524_289],
      ['bytes=699999-', 699_999, 700_000],
      ['Bytes=-5', 699_995, 700_000],
      ['bytes=10-9999999999999999999', 10, 700_000],
      ['bytes=-9999999', 0, 700_000],
    ] as const)
      it(range, async () => {
        const { status, headers, bytes } = await get(path, { ...KEY, range });
        expect([status, bytes.equals(FILE.subarray(start, end))]).to.deep.equal([206, true]);
        expect(headers).to.include({
          'content-range': `bytes ${start}-${end - 1}/700000`,
          'content-length': `${end - start}`,
          'content-type': 'image/jpeg',
          etag: ETAG,
        });
      });

    for (const range of [
      'bytes=0-1,5-6',
      'bytes=5-1',
      'bytes=a-b',
      'bytes=-',
      'lines=0-1',
      '0-1',
      'bytes=0x0-1',
    ])
      it(`of the whole file for ${range}`, async () => {
        const { status, headers, bytes } = await get(path, { ...KEY, range });
        expect([status, bytes.length]).to.deep.equal([200, 700_000]);
        expect(headers).to.not.have.any.keys('content-range');
      });

    for (const range of ['bytes=700000-', 'bytes=700000-700001', 'bytes=-0'])
      it(`not, but 416 with the size of the file, for ${range}`, async () => {
        const { status, headers, problem } = await get(path, { ...KEY, range });
        expect([status, problem.code, headers['content-range']]).to.deep.equal([
          ...[416, 'range_not_satisfiable', 'bytes */700000'],
        ]);
        expect(headers['cache-control']).to.equal('no-store');
      });

    it('only if an If-Range has the hash of the file', async () => {
      const range = 'bytes=0-1';
      expect((await get(path, { ...KEY, range, 'if-range': ETAG })).status).to.equal(206);
      for (const other of ['"other"', `W/${ETAG}`, new Date().toUTCString()])
        expect((await get(path, { ...KEY, range, 'if-range': other })).status, other).to.equal(200);
    });
  });

  describe('refuses', () => {
    it('every changed link, and a link with another method, with 401', async () => {
      const link = await linkOf();
      const [, expires = '', signature = ''] = /expires=(\d+)&signature=(.+)$/.exec(link) ?? [];
      const at = (query: string, file = id) => `/api/media/${file}/content?${query}`;
      const expired = links.urlUntil(id, Math.floor(Date.now() / 1_000) - 1) as string;
      const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
      for (const [what, target] of [
        ['expired', expired],
        ['another file', at(`expires=${expires}&signature=${signature}`, id + 1)],
        ['a later time', at(`expires=${Number(expires) + 1}&signature=${signature}`)],
        ['the time in another form', at(`expires=${expires}.5&signature=${signature}`)],
        ['no time', at(`signature=${signature}`)],
        ['another signature', at(`expires=${expires}&signature=${flipped}`)],
        ['a shorter signature', at(`expires=${expires}&signature=${signature.slice(0, -1)}`)],
        ['an empty signature', at(`expires=${expires}&signature=`)],
        ['another form of the signature', at(`expires=${expires}&signature=${signature}=`)],
        ['two signatures', at(`expires=${expires}&signature=${signature}&signature=${signature}`)],
        ['two times', at(`expires=${expires}&expires=${expires}&signature=${signature}`)],
        ['no signature', at(`expires=${expires}`)],
        ['the description', link.replace('/content', '')],
      ] as const) {
        const { status, problem } = await get(target, {});
        expect([status, problem.code], what).to.deep.equal([401, 'unauthorized']);
        // An API key does not make a changed link valid.
        if (target.includes('/content') && target.includes('signature'))
          expect((await get(target, KEY)).status, what).to.equal(401);
      }
      expect((await get(link, {}, 'DELETE')).status).to.equal(405);
      expect((await get(link, {})).status).to.equal(200);
    });

    it('a key without the scope read, and no key', async () => {
      const { status, problem } = await get(path, { authorization: 'Bearer key-of-the-sender' });
      expect([status, problem.required_scope]).to.deep.equal([403, 'read']);
      expect((await get(path, {})).status).to.equal(401);
    });

    it('a link to the file of another key in the response to a send, without the scope read', async () => {
      const sender = { authorization: 'Bearer key-of-the-sender' };
      const send = (media: number, target = 'sms', headers = sender) => {
        const body = {
          from: '+12016661234',
          to: '+18045551234',
          type: 'mms',
          body: 'Look',
          media_ids: [media],
        };
        return service.request('POST', `/api/messages/${target}`, body, headers);
      };
      const refused = await send(id);
      const error = { path: '/body/media_ids/0', message: `there is no media ${id}` };
      expect([refused.status, refused.body.errors]).to.deep.equal([422, [error]]);
      expect((await send(id, 'preview')).body.errors).to.deep.include({ code: 'invalid_request', ...error });
      const headers = { ...sender, 'content-type': 'image/png' };
      const own = await exchange(service.url, 'POST', '/api/media', headers, 'a picture');
      expect((await send(own.body.id)).body.media[0].url).to.include(`/api/media/${own.body.id}/content?`);
      expect((await send(own.body.id, 'sms', KEY)).status).to.equal(202);
    });

    it('a file that does not exist, is not fetched yet or could not be fetched, with 404', async () => {
      const [pending, failed] = (await query<{ id: number }>(
        service.databaseUrl,
        `insert into media (state, source_url, error) values
           ('pending', 'https://example.com/1', null), ('failed', 'https://example.com/2', '{"code":"not_found"}')
         returning id::int`,
      )) as [{ id: number }, { id: number }];
      for (const [file, detail] of [
        [987_654, 'There is no media 987654.'],
        [pending.id, `There is no content of media ${pending.id}: its state is pending.`],
        [failed.id, `There is no content of media ${failed.id}: its state is failed.`],
      ] as const) {
        const { status, problem } = await get(`/api/media/${file}/content`);
        expect([status, problem.detail]).to.deep.equal([404, detail]);
        const link = (links.urlUntil(file, Math.floor(Date.now() / 1_000) + 60) as string) ?? '';
        expect((await get(link, {})).status).to.equal(404);
      }
    });

    it('an id and parameters that are not valid with 422', async () => {
      expect((await get('/api/media/x/content')).status).to.equal(422);
      expect((await get(`${path}?size=small`)).status).to.equal(422);
    });
  });

  it('serves links while the rate limit of the clients is reached', async () => {
    const own = await startHarness({
      DATABASE_URL: service.databaseUrl,
      RATE_LIMIT_PER_SECOND: '1',
      API_KEYS: 'shop:key-of-the-shop',
    });
    const link = await linkOf();
    const statuses = async (headers: Record<string, string>, target: string) => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => fetch(own.url + target, { headers, method: 'HEAD' })),
      );
      return answers.map(({ status }) => status);
    };
    expect(await statuses(KEY, path)).to.include(429);
    expect(await statuses({}, link)).to.deep.equal(Array(10).fill(200));
    await own.stop();
  });

  describe('to a client', () => {
    let large: string;
    before(async () => {
      large = `/api/media/${await upload(Buffer.alloc(24 * 1_048_576, 'x'), 'video/mp4')}/content`;
    });
    /** Statements of the service that read a file now. */
    const reading = () =>
      query(
        service.databaseUrl,
        `select from pg_stat_activity where datname = current_database() and state <> 'idle'
         and query like '%media_chunks%' and pid <> pg_backend_pid()`,
      );
    /** A connection that does not read more than the start of the response. */
    const pausedAt = async (target: string) => {
      const { hostname, port } = new URL(service.url);
      const socket = createConnection(Number(port), hostname);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(head('GET', target, KEY));
      await once(socket, 'data');
      socket.pause();
      return socket;
    };

    it('that does not read: needs no connection of the database', async () => {
      const sockets = await Promise.all(Array.from({ length: 20 }, () => pausedAt(large)));
      await until(async () => (await reading()).length === 0, 'no statement');
      // All connections of the database are free for others.
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => service.request('GET', '/api/conversations', undefined, KEY)),
      );
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]));
      for (const socket of sockets) socket.destroy();
    });

    it('that disconnects: stops reading the file', async () => {
      const socket = await pausedAt(large);
      socket.destroy();
      await until(async () => (await reading()).length === 0, 'no statement');
      expect((await get(path)).status).to.equal(200);
    });

    it('whose file is removed meanwhile: closes the connection, because the response is incomplete', async () => {
      const file = await upload(Buffer.alloc(24 * 1_048_576, 'x'), 'video/mp4');
      const socket = await pausedAt(`/api/media/${file}/content`);
      await query(
        service.databaseUrl,
        'delete from media_chunks where object_id = (select object_id from media where id = $1)',
        [file],
      );
      let received = 0;
      socket.on('data', (part) => {
        received += part.length;
      });
      socket.resume();
      await once(socket, 'close');
      expect(received).to.be.below(24 * 1_048_576);
    });
  });
});

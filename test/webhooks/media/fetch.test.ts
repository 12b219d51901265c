import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import pg from 'pg';
import type { Schema } from '../../../src/openapi/types.ts';
import { claimFetches, endFetchLeases } from '../../../src/webhooks/media/claim.ts';
import { inboundSms } from '../../support/bodies.ts';
import {
  type FileServer,
  type MediaBench,
  type MediaMessage,
  startFileServer,
  startMediaBench,
} from '../../support/media-bench.ts';
import { ACCOUNT_SID, AUTH_TOKEN, inboundForm, sendCallback, sidOf } from '../../support/twilio.ts';
import { until } from '../../support/until.ts';

const PICTURE = Buffer.from('a picture');
const LAST = 11;

describe('The worker that fetches files', function () {
  this.timeout(60_000);
  let own: FileServer;
  let bench: MediaBench;
  /** The responses to the next requests of a path; the last response repeats. */
  const answers = new Map<string, ((response: ServerResponse) => unknown)[]>();
  before(async () => {
    own = await startFileServer((path, response) => {
      const list = answers.get(path) ?? [];
      const answer = list.length > 1 ? list.shift() : list[0];
      return answer ? answer(response) : response.writeHead(404).end();
    });
    bench = await startMediaBench(own.url);
  });
  after(async () => {
    await bench?.stop();
    await own?.stop();
  });
  beforeEach(() => {
    own.requests.length = 0;
    answers.clear();
  });

  /** The responses of a file server to the next requests of a path. Returns the URL. */
  const answer = (path: string, ...list: ((response: ServerResponse) => unknown)[]) => {
    answers.set(path, list);
    return own.url + path;
  };
  const file =
    (headers: Record<string, string> = { 'content-type': 'image/png' }, body: Buffer = PICTURE) =>
    (response: ServerResponse) =>
      response.writeHead(200, headers).end(body);
  const status =
    (code: number, headers: Record<string, string> = {}) =>
    (response: ServerResponse) =>
      response.writeHead(code, headers).end('An error page');
  /** The number of events that the files of the message are settled, with or without a position in the feed. */
  const settledEvents = async (id: number) => {
    const columns =
      'select from (select subject_id, type from events union all select subject_id, type from event_inbox)';
    const condition = "type = 'message.media_settled' and subject_id = $1";
    return (await bench.query(`${columns} as event where ${condition}`, [id])).length;
  };
  const attemptsOf = async () => {
    const text = `select attempt_count, leased, extract(epoch from next_attempt_at - now())::float8 as seconds from media_fetches`;
    return (await bench.query<{ attempt_count: number; leased: boolean; seconds: number }>(text))[0];
  };
  /** Runs a worker until an attempt of the only pending file has failed. */
  const attempt = async (number = 1) => {
    await bench.makeDue(number);
    const worker = bench.startWorker();
    const state = await until(async () => {
      const found = await attemptsOf();
      return found?.attempt_count === number && !found.leased && found.seconds > 0 && found;
    }, `attempt ${number} has failed`);
    await worker.stop();
    return state;
  };

  it('stores a file with its type, size, hash and name', async () => {
    const body = Buffer.alloc(1_300_000, 'picture');
    const headers = {
      'content-type': 'Image/PNG; charset=binary',
      'content-disposition': 'inline; filename="a b.png"',
    };
    const id = await bench.receive([answer('/1', file(headers, body))]);
    expect((await bench.message(id)).media[0]).to.include({ state: 'pending', size: null, url: null });
    const [media] = await bench.fetch(id);
    expect(media).to.include({
      state: 'stored',
      content_type: 'image/png',
      size: body.length,
      name: 'a b.png',
      error: null,
    });
    expect(media?.url).to.match(
      /^https:\/\/messaging\.example\/api\/media\/\d+\/content\?expires=\d+&signature=[\w-]+$/,
    );
    const [stored] = await bench.query<{ sha256: Buffer; content: Buffer }>(
      `select sha256, (select string_agg(data, '' order by number) from media_chunks where media_chunks.object_id = media.object_id) as content
       from media where id = $1`,
      [media?.id],
    );
    expect(stored?.sha256).to.deep.equal(createHash('sha256').update(body).digest());
    expect(stored?.content.equals(body)).to.equal(true);
    expect(bench.log.of('media stored').at(-1)).to.include({
      account: 'text-co',
      size: body.length,
      number: 1,
    });
  });

  it('stores an empty file, a compressed file and a file without a length', async () => {
    const urls = [
      answer('/empty', file(undefined, Buffer.alloc(0))),
      answer('/gzip', file({ 'content-type': 'image/png', 'content-encoding': 'gzip' }, gzipSync(PICTURE))),
      answer('/chunked', (response) => {
        response.writeHead(200, { 'content-type': 'image/png' }).write('a ');
        response.end('picture');
      }),
    ];
    const media = await bench.fetch(await bench.receive(urls));
    expect(media.map(({ state, size }) => [state, size])).to.deep.equal([
      ['stored', 0],
      ...[1, 2].map(() => ['stored', PICTURE.length]),
    ]);
  });

  it('takes the name from the response, or from the URL', async () => {
    const named = (disposition: string) =>
      file({ 'content-type': 'image/png', 'content-disposition': disposition });
    const names = {
      '/n1': ['../../etc/passwd', 'passwd'],
      '/n2': ['C:\\\\windows\\\\a.png', 'a.png'],
      '/n3.png': ['', 'n3.png'],
      '/n4': ['..', null],
    };
    const urls = [
      ...Object.entries(names).map(([path, [name]]) => answer(path, named(`attachment; filename="${name}"`))),
      answer('/n5', named("attachment; filename*=UTF-8''%e2%82%ac%20rates.png")),
      answer('/n6', named('attachment; filename="unfinished')),
      answer('/n7/na%C3%AFve%2Fa.jpeg?token=x.gif', file()),
      answer(`/n8/${'a'.repeat(300)}.png`, file()),
      answer('/n9/ME0123', file()),
    ];
    const media = await bench.fetch(await bench.receive(urls));
    expect(media.map(({ name }) => name)).to.deep.equal([
      ...['passwd', 'a.png', 'n3.png', null, '€ rates.png', null, 'a.jpeg', null, null],
    ]);
  });

  it('takes the type that the provider has declared, if the response has none', async () => {
    const media = `/2010-04-01/Accounts/${ACCOUNT_SID}/Messages/${sidOf(1)}/Media`;
    const paths = [1, 2, 3].map((n) => `/twilio${media}/ME${String(n).repeat(32)}`);
    const [first = '', second = '', third = ''] = paths.map((path, index) =>
      answer(
        path,
        file(
          ([{}, { 'content-type': 'binary/octet-stream' }, { 'content-type': 'image/gif' }] as object[])[
            index
          ] as Record<string, string>,
        ),
      ),
    );
    const form = inboundForm({
      ...{ NumMedia: '3', MediaUrl0: first, MediaUrl1: second, MediaUrl2: third },
      ...{ MediaContentType0: 'image/jpeg', MediaContentType1: 'audio/amr', MediaContentType2: 'image/png' },
    });
    expect((await sendCallback(bench.service.url, { form })).status).to.equal(200);
    const { body } = await bench.service.request('GET', '/api/messages?limit=1');
    const id = body.data[0].id;
    expect((await bench.message(id)).media.map(({ content_type }) => content_type)).to.deep.equal([
      ...['image/jpeg', 'audio/amr', 'image/png'],
    ]);
    const stored = await bench.fetch(id);
    expect(stored.map(({ state, content_type }) => [state, content_type])).to.deep.equal([
      ['stored', 'image/jpeg'],
      ['stored', 'audio/amr'],
      ['stored', 'image/gif'],
    ]);
    const basic = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
    expect(own.requests.map(({ headers }) => headers.authorization)).to.deep.equal([basic, basic, basic]);
  });

  it('stores the files of an email of any type', async () => {
    const urls = [
      answer('/e1', file({ 'content-type': 'text/html' })),
      answer('/e2', file({})),
      answer('/e3', file({ 'content-length': `${26 * 1_048_576}` }, Buffer.alloc(26 * 1_048_576))),
    ];
    const media = await bench.fetch(await bench.receive(urls, 'email'));
    expect(media.map(({ state, content_type }) => [state, content_type])).to.deep.equal([
      ...[
        ['stored', 'text/html'],
        ['stored', 'application/octet-stream'],
        ['stored', 'application/octet-stream'],
      ],
    ]);
  });

  it('tries a file again that is not there yet, or whose server fails', async () => {
    const cases = {
      202: 'unreachable',
      302: 'unreachable',
      401: 'refused',
      404: 'not_found',
      429: 'unreachable',
      503: 'unreachable',
    };
    const urls = Object.keys(cases).map((code) => answer(`/later/${code}`, status(Number(code)), file()));
    const id = await bench.receive(urls);
    const media = await bench.fetch(id);
    for (const [index, [code, error]] of Object.entries(cases).entries()) {
      expect(media[index], code).to.include({ state: 'stored', error: null });
      const ofFile = ({ mediaId }: Record<string, unknown>) => mediaId === media[index]?.id;
      const [failed] = bench.log.of('media fetch failed, another attempt follows').filter(ofFile);
      expect(failed, code).to.include({ code: error, detail: `The server responded ${code}.`, number: 1 });
      expect(bench.log.of('media stored').find(ofFile), code).to.include({ number: 2 });
    }
    expect(await settledEvents(id)).to.equal(1);
  });

  it('waits as long as Retry-After says', async () => {
    const id = await bench.receive([answer('/busy', status(429, { 'retry-after': '600' }), file())]);
    expect((await attempt())?.seconds).to.be.within(300, 600);
    await bench.makeDue(2);
    await bench.fetch(id);
  });

  it('gives up a file that is gone at once, one that is not found after minutes, and others after two days', async () => {
    const cases: [number, number, string][] = [
      [410, 1, 'not_found'],
      [404, 5, 'not_found'],
      [401, LAST, 'refused'],
      [403, LAST, 'refused'],
      [400, LAST, 'unreachable'],
      [500, LAST, 'unreachable'],
    ];
    for (const [code, last, error] of cases) {
      const id = await bench.receive([answer('/never', status(code))]);
      if (last > 1) await attempt(last - 1);
      await bench.makeDue(last);
      const [media] = await bench.fetch(id);
      expect(media?.error, `${code}`).to.deep.equal({ code: error, detail: `The server responded ${code}.` });
      expect(bench.log.of('media failed').at(-1)).to.include({ code: error, number: last });
    }
    expect(await bench.left()).to.include({ fetches: 0 });
  });

  it('gives up a file during whose attempts the workers have died', async () => {
    const id = await bench.receive([answer('/deadly', file())]);
    await bench.makeDue(LAST + 1);
    const [media] = await bench.fetch(id);
    expect(media?.error?.detail).to.equal('The worker ended unexpectedly during the last of 11 attempts.');
    expect(own.requests).to.deep.equal([]);
  });

  it('keeps the files of a removed account until the account is configured again', async () => {
    const id = await bench.receive([answer('/removed', file())]);
    await bench.makeDue();
    const without = bench.startWorker({ environment: { SMS_PROVIDERS: 'twilio' } });
    const failed = () => bench.log.of('media fetch failed, another attempt follows').at(-1);
    await until(
      () => failed()?.detail === 'The account is not configured any more.',
      'the attempt has failed',
    );
    await without.stop();
    expect(failed()).to.include({ code: 'refused' });
    expect((await bench.message(id)).media[0]).to.include({ state: 'pending', error: null });
    expect(own.requests).to.deep.equal([]);
    await bench.makeDue(2);
    expect((await bench.fetch(id))[0]).to.include({ state: 'stored' });
  });

  it('reports once that all files of a message are settled, with the message as it is then', async () => {
    const urls = Array.from({ length: 9 }, (_, n) =>
      answer(`/many/${n}`, n % 3 === 0 ? status(410) : file()),
    );
    const id = await bench.receive(urls);
    const workers = [bench.startWorker(), bench.startWorker()];
    const event = await until(async () => {
      const path = '/api/events?type=message.media_settled&limit=200';
      const { data } = (await bench.service.request('GET', path)).body as Schema<'EventList'>;
      return data.find((each) => (each.data as MediaMessage).id === id);
    }, 'the event');
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(await settledEvents(id)).to.equal(1);
    const { media, status: state } = event.data as MediaMessage;
    expect(state).to.equal('received');
    expect(media.map(({ state }) => state)).to.deep.equal(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => (n % 3 === 0 ? 'failed' : 'stored')),
    );
    expect(own.requests).to.have.length(9);
  });

  it('gives an attempt back when it stops', async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const id = await bench.receive([answer('/held', (response) => held.resolve(response), file())]);
    const worker = bench.startWorker();
    await held.promise;
    await worker.stop();
    expect(await attemptsOf()).to.include({ attempt_count: 0, leased: false });
    expect((await bench.fetch(id))[0]).to.include({ state: 'stored' });
  });

  it('fetches at once what a killed service has claimed, after the leases are ended', async () => {
    const id = await bench.receive([answer('/killed', file())]);
    const pool = new pg.Pool({ connectionString: bench.service.databaseUrl, max: 1 });
    expect(await claimFetches(pool, 10, [], 600_000)).to.have.length(1);
    expect(await claimFetches(pool, 10, [], 600_000)).to.deep.equal([]);
    await endFetchLeases(pool);
    await pool.end();
    expect((await bench.fetch(id))[0]).to.include({ state: 'stored' });
  });

  it('stores the files of a message that its provider calls an SMS', async () => {
    const { body } = await bench.service.request('POST', '/api/webhooks/sms', {
      ...{ ...inboundSms, messaging_provider_id: 'called-sms', attachments: [answer('/sms', file())] },
    });
    const message = await bench.message(body.id);
    expect([message.type, message.media.length]).to.deep.equal(['sms', 1]);
    expect((await bench.fetch(body.id))[0]).to.include({ state: 'stored' });
  });

  it('changes nothing by an attempt whose lease has ended', async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const begin = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'image/gif' }).write('another');
      held.resolve(response);
    };
    const id = await bench.receive([answer('/lost', begin, file())]);
    const late = bench.startWorker();
    const response = await held.promise;
    const { objects } = await bench.left();
    await bench.query('update media_fetches set next_attempt_at = now()');
    expect((await bench.fetch(id))[0]).to.include({
      state: 'stored',
      content_type: 'image/png',
      size: PICTURE.length,
    });
    response.end(' picture');
    await until(
      async () => (await bench.left()).objects === objects,
      'the object of the late attempt is removed',
    );
    await late.stop();
    expect((await bench.message(id)).media[0]).to.include({
      content_type: 'image/png',
      size: PICTURE.length,
    });
    expect(await settledEvents(id)).to.equal(1);
  });
});

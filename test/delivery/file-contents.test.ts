import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { FileContents } from '../../src/delivery/attempt/file-contents.ts';
import { filesOf } from '../../src/delivery/attempt/files.ts';
import type { Claimed } from '../../src/delivery/claim.ts';
import { MediaClient } from '../../src/media/fetching/client.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { type FileServer, startFileServer } from '../support/media-bench.ts';

describe('FileContents', () => {
  let pool: pg.Pool;
  let server: FileServer;
  before(async () => {
    pool = new pg.Pool({ connectionString: await createMigratedDatabase(), max: 2 });
    server = await startFileServer((path, response) => path === '/file' && response.end('file'));
  });
  after(async () => {
    await server?.stop();
    await pool?.end();
  });

  const contents = (more = {}) =>
    new FileContents({
      ...{ pool, store: createPostgresStore(pool), patienceMs: 300 },
      client: new MediaClient({ allowedPrivateHosts: ['localhost'] }),
      events: createEvents(createLogger('silent')),
      ...more,
    });
  const claimed = (message: Partial<Claimed>) =>
    ({
      ...{ id: 1, attachments: [], media: null, fetched: null, email: null, may_have_been_sent: false },
      ...message,
    }) as unknown as Claimed;
  const limits = { maxBytes: 25 * 1_048_576, maxFetchedBytes: 25 * 1_048_576 };
  const load = (message: Partial<Claimed>, signal = new AbortController().signal, more = {}) =>
    contents(more).load(claimed(message), { ...limits, signal });
  const slow = () => [server.url.replace('127.0.0.1', 'localhost')];

  it('ends an attempt whose server does not respond in time, and does not call the provider', async () => {
    expect(await load({ attachments: slow() })).to.include({
      outcome: 'unavailable',
      code: 'attachment_unreachable',
    });
  });

  it('does not count a late store or an unreadable database as a failure of the server', async () => {
    const never = new AbortController().signal;
    const unread = { outcome: 'unavailable', code: 'files_unavailable' };
    const store = createPostgresStore(pool);
    const write = async (parts: AsyncIterable<Buffer>) => {
      await sleep(400);
      return store.write(parts);
    };
    const file = [`${slow()[0]}/file`];
    expect(await load({ attachments: file }, never, { store: { ...store, write } })).to.include(unread);
    const ended = new pg.Pool();
    await ended.end();
    expect(await load({ attachments: slow() }, never, { pool: ended })).to.include(unread);
  });

  it('ends an attempt at once when the worker stops', async () => {
    const controller = new AbortController();
    const loading = load({ attachments: slow() }, controller.signal);
    controller.abort();
    expect(await loading).to.include({ code: 'worker_stopped' });
  });

  it('sends fetched and stored files with safe names, by content and by URL', async () => {
    const { id: object_id, size } = await createPostgresStore(pool).write(
      (async function* () {
        yield Buffer.from('file');
      })(),
    );
    const [hidden, parts, plain] = [
      '=?utf-8?q?evil 2=2Eexe?=.pdf',
      'a/b\\c\r\nBcc: \u2028x\u202efdp.exe',
      '領収書?.pdf',
    ];
    const safe = ['=_utf-8_q_evil 2=2Eexe_=.pdf', 'cBcc: xfdp.exe', plain];
    const stored = [hidden, parts, plain].map((name, index) => ({
      ...{ id: index + 1, number: index + 1, object_id, size, content_type: 'application/pdf', name },
      content_id: null,
    }));
    const attachments = stored.map(({ id }) => `https://files.example.com/${id}`);
    const url_files = stored.map(({ name: filename }) => ({ filename }));
    const links = { urlUntil: (id: number) => `https://messaging.example/${id}` } as never;
    const message = {
      ...{ attachments, media: stored, expires_at: new Date() },
      email: { url_files } as never,
    };
    const signal = new AbortController().signal;
    const namesOf = async (given: object, attachmentsBy: ('content' | 'url')[]) => {
      const result = await filesOf(
        links,
        contents(),
        { attachmentsBy },
        claimed(given),
        () => limits,
        signal,
      );
      return 'files' in result ? result.files.map(({ name }) => name) : result;
    };
    expect(await namesOf(message, ['url'])).to.deep.equal([...safe, ...safe]);
    const fetched = { ...message, fetched: stored, email: null };
    expect(await namesOf(fetched, ['content'])).to.deep.equal([...safe, ...safe]);
  });

  it('repeats the attempt if a stored file cannot be read', async () => {
    const file = {
      id: 1,
      object_id: randomUUID(),
      content_type: 'image/png',
      size: 3,
      name: null,
      content_id: null,
    };
    expect(await load({ media: [file] })).to.include({ outcome: 'unavailable', code: 'files_unavailable' });
    const large = { ...file, size: 26 * 1_048_576 };
    expect(await load({ media: [large] })).to.include({ outcome: 'rejected', code: 'attachment_too_large' });
    expect(await load({ media: [large], may_have_been_sent: true })).to.include({ outcome: 'unavailable' });
  });
});

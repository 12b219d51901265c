import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import pg from 'pg';
import { SMTPServer } from 'smtp-server';
import { FileContents } from '../../src/delivery/attempt/file-contents.ts';
import type { Claimed } from '../../src/delivery/claim.ts';
import { MediaClient } from '../../src/media/fetching/client.ts';
import { createPostgresStore } from '../../src/media/postgres-store.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { PDF, PDF_NAME, PNG, readBack } from '../support/mail.ts';
import { storeMedia } from '../support/media.ts';
import { type FileServer, startFileServer } from '../support/media-bench.ts';
import { suppress } from '../support/suppressions.ts';
import { until } from '../support/until.ts';

const EMAIL = { from: 'shop@example.com', to: 'ada@example.net', subject: 'Invoice', text: 'Hello' };
const MIB = 1_048_576;
/** An account whose limit is 7 MB, for the senders of the test with large files only. */
const POSTMARK = {
  ...{ POSTMARK_URL: 'http://127.0.0.1:1', POSTMARK_SERVER_TOKEN: 'server-token' },
  POSTMARK_WEBHOOK_PASSWORD: 'a-password-for-webhooks',
};

describe('Attachments for a provider that takes their content', () => {
  let harness: Harness;
  let files: FileServer;
  let received: Buffer[];
  let failures: number;
  let stop: () => Promise<unknown>;
  let local: string;
  before(async () => {
    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData: async (stream, _session, callback) => {
        received.push(Buffer.concat(await stream.toArray()));
        const error = Object.assign(new Error('Try again'), { responseCode: 451 });
        if (failures-- > 0) callback(error);
        else callback(null, 'OK');
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    stop = () => new Promise((resolve) => server.close(() => resolve(undefined)));
    files = await startFileServer((path, response) => {
      if (path === '/invoice.pdf') response.writeHead(200, { 'content-type': 'application/pdf' }).end(PDF);
      else if (path === '/gone') response.writeHead(410).end();
      else if (path === '/large') response.writeHead(200, { 'content-length': 60 * MIB }).end();
      else if (path === '/endless') sendForever(response);
      else if (path === '/8-mib') response.writeHead(200).end(Buffer.alloc(8 * MIB));
      // Longer than the check of the ledger before the fetch is valid.
      else if (path === '/slow') setTimeout(() => response.writeHead(200).end(PDF), 1_100);
      else if (path === '/twice') answerTogether(response);
      else if (path === '/broken') response.writeHead(500).end();
      else if (path.startsWith('/to/'))
        response.writeHead(302, { location: decodeURIComponent(path.slice(4)) }).end();
      else response.writeHead(404).end();
    });
    local = files.url.replace('127.0.0.1', 'localhost');
    harness = await startHarness({
      ...{ EMAIL_PROVIDERS: 'postmark,mail', POSTMARK_SENDERS: 'large.example', ...POSTMARK },
      ...{ MAIL_KIND: 'smtp', MAIL_URL: `smtp://127.0.0.1:${port}` },
      ...{ MAIL_REQUIRE_TLS: 'false', ALLOWED_PRIVATE_HOSTS: 'localhost' },
    });
  });
  beforeEach(() => {
    received = [];
    failures = 0;
    files.requests.length = 0;
  });
  after(async () => {
    await harness?.stop();
    await files?.stop();
    await stop?.();
  });

  const send = async (attachments: unknown[], more = {}): Promise<number> => {
    const { status, body } = await harness.request('POST', '/api/messages/email', {
      ...EMAIL,
      attachments,
      ...more,
    });
    expect(status, JSON.stringify(body)).to.equal(202);
    return body.id;
  };
  const attemptsOf = async (id: number): Promise<(string | null)[][]> => {
    const { data } = (await harness.request('GET', `/api/messages/${id}/attempts`)).body;
    return data.map(({ provider, outcome, code }: Record<string, string>) => [provider, outcome, code]);
  };
  const failed = async (id: number) => (await harness.untilStatus(id, 'failed')).error;

  it('are fetched once, and every attempt has the same bytes, names and content ids', async () => {
    failures = 1;
    const picture = await storeMedia(harness.databaseUrl, { content: PNG, name: 'logo.png' });
    const url = { url: `${local}/invoice.pdf`, filename: PDF_NAME };
    const id = await send([`${local}/to/%2Finvoice.pdf`, url, { media_id: picture, content_id: 'logo' }], {
      text: undefined,
      html: '<p>Hello <img src="cid:logo"></p>',
    });
    await harness.untilStatus(id, 'sent');
    const fetched = files.requests.map(({ path }) => path).sort();
    expect(fetched).to.deep.equal(['/invoice.pdf', '/invoice.pdf', '/to/%2Finvoice.pdf']);
    expect(received).to.have.length(2);
    const sent = await Promise.all(received.map(readBack));
    for (const { files: parts } of sent)
      expect(
        parts.map(({ name, contentType, contentId, content }) => [name, contentType, contentId, content]),
      ).to.deep.equal([
        ['logo.png', 'image/png', 'logo', PNG],
        ['invoice.pdf', 'application/pdf', null, PDF],
        [PDF_NAME, 'application/pdf', null, PDF],
      ]);
    const { body } = await harness.request('GET', `/api/messages/${id}`);
    expect(body.media.map((media: { id: number }) => media.id)).to.deep.equal([picture]);
  });

  it('are not fetched from addresses that are not public, also by redirect', async () => {
    const port = new URL(files.url).port;
    const hosts = [
      '127.0.0.1',
      '10.1.2.3',
      '192.168.0.1',
      '169.254.169.254',
      '[::1]',
      '[fe80::1]',
      '[::ffff:127.0.0.1]',
      '2130706433',
    ];
    const urls = hosts.flatMap((host) => [
      `http://${host}:${port}/invoice.pdf`,
      `https://${host}:${port}/invoice.pdf`,
    ]);
    const redirects = urls.map((url) => `${local}/to/${encodeURIComponent(url)}`);
    const ids = await Promise.all([...urls, ...redirects].map((url) => send([url])));
    for (const id of ids) expect((await failed(id))?.code).to.equal('attachment_not_allowed');
    expect(files.requestsOf('/invoice.pdf')).to.deep.equal([]);
    expect(received).to.deep.equal([]);
  });

  it('fail the message with a clear code if they are missing or too large', async () => {
    const codes = {
      gone: 'attachment_not_found',
      none: 'attachment_not_found',
      large: 'attachment_too_large',
    };
    for (const [path, code] of Object.entries({ ...codes, endless: 'attachment_too_large' })) {
      const error = await failed(await send([`${local}/${path}`, `${local}/invoice.pdf`]));
      expect([error?.code, error?.class], path).to.deep.equal([code, 'content_rejected']);
    }
    expect(received).to.deep.equal([]);
  });

  it('are sent by another account if they exceed the limit of the first, after one request for them', async () => {
    const id = await send([`${local}/8-mib`], { from: 'shop@large.example' });
    await harness.untilStatus(id, 'sent');
    expect(await attemptsOf(id)).to.deep.equal([
      ['postmark', 'unavailable', 'attachment_too_large'],
      ['mail', 'accepted', null],
    ]);
    expect(files.requestsOf('/8-mib')).to.have.length(1);
    const error = await failed(await send([`${local}/large`], { from: 'shop@large.example' }));
    expect(error?.code).to.equal('attachment_too_large');
  });

  it('of a recipient who is suppressed during a slow fetch are not sent', async () => {
    const to = 'slow@example.net';
    const id = await send([`${local}/slow`], { to });
    await until(() => files.requestsOf('/slow').length === 1, 'the file is fetched');
    await suppress(harness.databaseUrl, to);
    expect((await failed(id))?.code).to.equal('recipient_suppressed');
    expect((await attemptsOf(id)).map(([, , code]) => code)).to.deep.equal([
      ...['ledger_unavailable', 'recipient_suppressed'],
    ]);
    expect(received).to.deep.equal([]);
  });

  it('are stored once if two workers fetch them at the same time', async () => {
    const attachments = [`${local}/twice`];
    const id = await send(attachments, { send_at: '2999-01-01T00:00:00Z' });
    const pool = new pg.Pool({ connectionString: harness.databaseUrl, max: 4 });
    const store = createPostgresStore(pool);
    const events = createEvents(createLogger('silent'));
    const client = new MediaClient({ allowedPrivateHosts: ['localhost'] });
    const message = { id, attachments, media: null, fetched: null, email: null, may_have_been_sent: false };
    const load = () =>
      new FileContents({ pool, store, events, client }).load(message as unknown as Claimed, {
        ...{ maxBytes: MIB, maxFetchedBytes: MIB, signal: new AbortController().signal },
      });
    const objects = async () => (await pool.query('select from media_objects')).rowCount;
    const before = (await objects()) ?? 0;
    for (const loaded of await Promise.all([load(), load()]))
      expect('files' in loaded && loaded.files.map(({ content }) => content)).to.deep.equal([PDF]);
    expect(await objects()).to.equal(before + 1);
    await pool.end();
  });

  it('fail the message after three attempts if their server is unreachable, and do not open the breaker', async () => {
    const ids = await Promise.all(
      Array.from({ length: 6 }, (_, n) => send([`${local}/broken`], { to: `ada${n}@example.net` })),
    );
    const makeDue = 'update deliveries set next_attempt_at = now() where message_id = $1 and status = $2';
    for (const id of ids)
      await until(async () => {
        await query(harness.databaseUrl, makeDue, [id, 'queued']);
        return (await harness.request('GET', `/api/messages/${id}`)).body.status === 'failed';
      }, `message ${id} failed`);
    expect(await attemptsOf(ids[0] as number)).to.deep.equal([
      ['mail', 'unavailable', 'attachment_unreachable'],
      ['mail', 'unavailable', 'attachment_unreachable'],
      ['mail', 'rejected', 'attachment_unreachable'],
    ]);
    await harness.untilStatus(await send([]), 'sent');
    expect(received).to.have.length(1);
  });
});

const waiting: ServerResponse[] = [];

/** Answers two requests together, once both have arrived. */
function answerTogether(response: ServerResponse): void {
  waiting.push(response);
  if (waiting.length === 2) for (const each of waiting.splice(0)) each.writeHead(200).end(PDF);
}

function sendForever(response: ServerResponse): void {
  response.writeHead(200);
  const part = Buffer.alloc(MIB);
  const write = () => {
    while (!response.destroyed && response.write(part));
  };
  response.on('drain', write);
  write();
}

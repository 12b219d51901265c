import { expect } from 'chai';
import { simpleParser } from 'mailparser';
import { request as undici } from 'undici';
import { UnsubscribeLinks } from '../../src/consent/unsubscribe-links.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { type Harness, hashAddress, secretKey, startHarness, webhookSecret } from '../support/harness.ts';
import { keepLog } from '../support/log.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import { publicKeyFor } from '../support/sendgrid.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY as KEY } from '../support/ses.ts';
import { until } from '../support/until.ts';

const PUBLIC_URL = 'https://mail.example/messaging';
const KINDS = ['standard', 'smtp', 'ses', 'sendgrid', 'postmark', 'resend'] as const;
const ONE_CLICK = 'List-Unsubscribe=One-Click';

/** The headers of an email as its provider got them. */
const headersOf: Record<(typeof KINDS)[number], (request: never) => Promise<Record<string, string>>> = {
  standard: async ({ headers }: { headers: Record<string, string> }) => headers,
  smtp: ({ raw }: { raw: string }) => parsed(Buffer.from(raw)),
  ses: ({ Content }: { Content: { Raw: { Data: string } } }) =>
    parsed(Buffer.from(Content.Raw.Data, 'base64')),
  sendgrid: async ({ headers }: { headers: Record<string, string> }) => headers,
  postmark: async ({ Headers }: { Headers: { Name: string; Value: string }[] }) =>
    Object.fromEntries(Headers.map(({ Name, Value }) => [Name, Value])),
  resend: async ({ headers }: { headers: Record<string, string> }) => headers,
};

/** Reads the two headers with a parser that the service does not use, and checks that no line break splits their values. */
async function parsed(raw: Buffer): Promise<Record<string, string>> {
  const { headers } = await simpleParser(raw);
  const list = headers.get('list') as unknown as Record<string, { url?: string; name?: string }>;
  expect(raw.toString()).to.match(/^List-Unsubscribe:\s+<[^\s<>]+>\r\n\S/m);
  expect(raw.toString()).to.match(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\S/m);
  return {
    'List-Unsubscribe': `<${list.unsubscribe?.url}>`,
    'List-Unsubscribe-Post': list['unsubscribe-post']?.name ?? '',
  };
}

describe('A link to unsubscribe', function () {
  this.timeout(60_000);
  let simulator: Simulator;
  let service: Harness;
  let databaseUrl: string;
  let proxy: Awaited<ReturnType<typeof startPostgresProxy>>;
  const log = keepLog();
  before(async () => {
    simulator = await startSimulator({
      ...{ apiKey: KEY, webhookSecret, smtp: { port: 0 }, settings: { receipts: { enabled: false } } },
    });
    databaseUrl = await createMigratedDatabase();
    proxy = await startPostgresProxy(databaseUrl, () => ({}));
    const environment = {
      ...{ DATABASE_URL: proxy.url, PUBLIC_URL, EMAIL_PROVIDERS: KINDS.join() },
      ...{ STANDARD_URL: simulator.url, STANDARD_KEY: KEY, STANDARD_WEBHOOK_SECRETS: webhookSecret },
      ...{
        SMTP_URL: `smtp://shop:${encodeURIComponent(KEY)}@127.0.0.1:${simulator.smtpPort}`,
        SMTP_REQUIRE_TLS: 'false',
      },
      ...{ SES_URL: `${simulator.url}/ses`, SES_REGION: 'us-east-1' },
      ...{ SES_ACCESS_KEY_ID: ACCESS_KEY_ID, SES_SECRET_ACCESS_KEY: KEY },
      ...{ SENDGRID_URL: `${simulator.url}/sendgrid`, SENDGRID_API_KEY: KEY },
      SENDGRID_EVENT_PUBLIC_KEY: publicKeyFor(webhookSecret),
      ...{ POSTMARK_URL: `${simulator.url}/postmark`, POSTMARK_SERVER_TOKEN: KEY },
      POSTMARK_WEBHOOK_PASSWORD: webhookSecret,
      ...{ RESEND_URL: `${simulator.url}/resend`, RESEND_API_KEY: KEY },
      ...Object.fromEntries(KINDS.map((kind) => [`${kind.toUpperCase()}_SENDERS`, `${kind}.example`])),
    };
    service = await startHarness(environment, log.logger);
  });
  after(async () => {
    proxy?.stop();
    await service?.stop();
    await simulator?.stop();
  });

  const post = (body: object, path = 'email') =>
    service.request('POST', `/api/messages/${path}`, {
      ...{ from: 'shop@smtp.example', subject: 'Offers', text: 'Hello', ...body },
    });
  const send = async (body: object): Promise<number> => {
    const { status, body: message } = await post(body);
    expect(status, JSON.stringify(message)).to.equal(202);
    return message.id;
  };
  /** The path of the link that the service has stored for an email. */
  const linkOf = async (id: number): Promise<string> => {
    const [stored] = await query<{ link: string }>(
      databaseUrl,
      `select headers ->> 'List-Unsubscribe' as link from emails where message_id = $1`,
      [id],
    );
    return new URL(stored?.link.slice(1, -1) ?? '').pathname.replace('/messaging', '');
  };
  const entriesOf = (address: string) =>
    query<{ address: string | null; message_id: number | null }>(
      databaseUrl,
      `select address, channel, scope, reasons, message_id, account from suppressions where address_hash = decode($1, 'hex')`,
      [hashAddress(address)],
    );
  const click = (path: string, headers: Record<string, string> = {}, body: string | null = null) =>
    undici(service.url + path, { method: 'POST', headers, body });

  it('is in both headers of a marketing email, unsplit, at every kind of provider', async () => {
    for (const kind of KINDS) {
      const to = `${kind}@reader.example`;
      const id = await send({
        from: `shop@${kind}.example`,
        to,
        purpose: 'marketing',
        headers: { 'X-A': 'b' },
      });
      const request = await until(async () => {
        const response = await fetch(`${simulator.url}/_control/messages`);
        const { data } = (await response.json()) as { data: Accepted[] };
        return data.find((accepted) => JSON.stringify(accepted.request).includes(to))?.request;
      }, `${kind} has the email`);
      const url = `${PUBLIC_URL}${await linkOf(id)}`;
      expect(url).to.match(/\/messaging\/unsubscribe\/[\w-]{88}$/);
      expect(await headersOf[kind](request as never), kind).to.include({
        'List-Unsubscribe': `<${url}>`,
        'List-Unsubscribe-Post': ONE_CLICK,
      });
    }
  });

  it('is for one recipient, for emails only, and not beside a link of the client', async () => {
    const to = 'one@reader.example';
    const own = { headers: { 'list-unsubscribe': '<https://shop.example/u>' } };
    const more = 'two@reader.example';
    for (const [body, expected] of [
      [{ to }, false],
      [{ to, purpose: 'transactional', unsubscribe: true }, true],
      [{ to: [to], cc: [to], bcc: [], purpose: 'marketing' }, true],
      [{ to, purpose: 'marketing', unsubscribe: false }, false],
      [{ to: [to, more], purpose: 'marketing', unsubscribe: false }, false],
      [{ to, purpose: 'marketing', ...own }, false],
      [{ to, unsubscribe: true, ...own }, '/body/unsubscribe'],
      [{ to: [to, more], purpose: 'marketing' }, '/body/to/1'],
      [{ to, cc: [more], unsubscribe: true }, '/body/cc/0'],
      [{ to, bcc: [more], unsubscribe: true }, '/body/bcc/0'],
      [{ from: '+12015550101', to: '+12015550102', body: 'Hi', unsubscribe: true }, '/body/unsubscribe'],
    ] as const) {
      const { subject, text, ...rest } = { subject: 'Offers', text: 'Hello', ...body };
      const request = 'body' in body ? rest : { ...rest, subject, text };
      const sent = await service.request('POST', '/api/messages/send', {
        from: 'shop@smtp.example',
        ...request,
      });
      const { body: preview } = await service.request('POST', '/api/messages/preview', {
        from: 'shop@smtp.example',
        ...request,
      });
      const shown = JSON.stringify(body);
      if (typeof expected === 'string') {
        expect([sent.status, sent.body.errors?.[0].path], shown).to.deep.equal([422, expected]);
        expect(preview.errors[0].path, shown).to.equal(expected);
      } else {
        expect([sent.status, sent.body.unsubscribe], shown).to.deep.equal([202, expected]);
        expect(preview.unsubscribe, shown).to.equal(expected);
        const { body: read } = await service.request('GET', `/api/messages/${sent.body.id}`);
        expect([read.unsubscribe, read.headers], shown).to.deep.equal([
          expected,
          'headers' in body ? own.headers : undefined,
        ]);
      }
    }
  });

  it('shows scanners and people a page with one button, and changes nothing', async () => {
    const path = await linkOf(await send({ to: 'scanned@reader.example', purpose: 'marketing' }));
    for (const method of ['GET', 'HEAD'] as const) {
      const { statusCode, headers, body } = await undici(service.url + path, { method });
      const html = await body.text();
      expect(statusCode).to.equal(200);
      expect(headers).to.include({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex, nofollow',
      });
      expect(headers).not.to.have.any.keys('set-cookie', 'location');
      expect(headers['content-security-policy']).to.match(/^default-src 'none'; style-src 'sha256-[^']+';/);
      expect(html.match(/<(?:button|a|script|img|link)\b/g)).to.deep.equal(
        method === 'GET' ? ['<button'] : null,
      );
      if (method === 'GET')
        expect(html).to.contain('<form method="post">').and.not.to.contain('reader.example');
    }
    expect(await entriesOf('scanned@reader.example')).to.deep.equal([]);
  });

  it('unsubscribes by each form of POST, from every host and origin, once', async () => {
    const part = 'Content-Disposition: form-data; name="List-Unsubscribe"';
    const form = `--a\r\n${part}\r\n\r\nOne-Click\r\n--a--\r\n`;
    const type = 'application/x-www-form-urlencoded';
    const forms: [string, Record<string, string>, string | null][] = [
      ['form', { 'content-type': type, host: 'mail.example', origin: 'https://mail.google.com' }, ONE_CLICK],
      [
        'multipart',
        {
          'content-type': 'multipart/form-data; boundary=a',
          host: 'mail.example',
          origin: 'null',
          'sec-fetch-site': 'cross-site',
        },
        form,
      ],
      ['none', {}, null],
      ['other', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'x'.repeat(100_000)],
    ];
    for (const [name, headers, body] of forms) {
      const to = `${name}@reader.example`;
      const id = await send({ to, purpose: 'marketing' });
      const path = await linkOf(id);
      const answers: [number, string][] = [];
      for (const _ of [1, 2]) {
        const response = await click(path, headers, body);
        expect(response.headers.location, name).to.equal(undefined);
        answers.push([response.statusCode, await response.body.text()]);
      }
      expect(answers[0]?.[0], name).to.equal(200);
      expect(answers[1], name).to.deep.equal(answers[0]);
      expect(await entriesOf(to), name).to.deep.equal([
        {
          ...{ address: to, channel: 'email', scope: 'channel', reasons: ['unsubscribe'] },
          ...{ message_id: id, account: null },
        },
      ]);
      const refused = await post({ to, purpose: 'marketing' });
      expect([refused.status, refused.body.code], name).to.deep.equal([422, 'recipient_suppressed']);
      await send({ to, purpose: 'transactional' });
    }
    const added = await until(async () => {
      const { body } = await service.request('GET', '/api/events?limit=100&type=suppression.added');
      return body.data.length >= forms.length && body.data;
    }, 'the feed has the events');
    expect(added).to.have.lengthOf(forms.length);
  });

  it('works after the message was deleted, and after its recipient was erased', async () => {
    const remove = (_to: string, id: number) =>
      query(
        databaseUrl,
        `with attempts as (delete from delivery_attempts where message_id = $1),
           delivery as (delete from deliveries where message_id = $1)
         delete from messages where id = $1`,
        [id],
      );
    const erase = async (to: string) => {
      const { body } = await service.request('GET', `/api/participants?address=${encodeURIComponent(to)}`);
      const erasure = await service.request('DELETE', `/api/participants/${body.data[0].id}`);
      await until(async () => {
        const { body: receipt } = await service.request('GET', `/api/erasures/${erasure.body.id}`);
        return receipt.state === 'completed';
      }, 'the erasure is completed');
    };
    for (const [name, change] of [
      ['deleted', remove],
      ['erased', erase],
    ] as const) {
      const to = `${name}@reader.example`;
      const id = await send({ to, purpose: 'marketing' });
      const path = await linkOf(id);
      await service.untilStatus(id, 'sent');
      await change(to, id);
      expect((await click(path)).statusCode).to.equal(200);
      const [entry] = await entriesOf(to);
      expect(entry, name).to.include({ address: null, message_id: name === 'erased' ? id : null });
      expect((await post({ to, purpose: 'marketing' })).status).to.equal(422);
    }
  });

  it('is 404 unless it is exactly a link of the service, and 405 for other methods', async () => {
    const to = 'exact@reader.example';
    const path = await linkOf(await send({ to, purpose: 'marketing' }));
    const token = path.slice('/unsubscribe/'.length);
    const changed = (index: number) =>
      token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
    for (const other of [
      ...[0, 30, 70, 87].map(changed),
      ...[
        `${token}=`,
        `${token}A`,
        token.slice(0, -1),
        token.slice(0, -4),
        `${token}%00`,
        `%20${token}`,
        'x',
      ],
      token.replaceAll('-', '+').replaceAll('_', '/').replace(/^/, '+'),
    ])
      for (const method of ['GET', 'POST'] as const) {
        const { statusCode, headers } = await undici(`${service.url}/unsubscribe/${other}`, { method });
        expect(statusCode, other).to.equal(404);
        expect(headers['content-type'], other).to.match(/^text\/html|problem\+json/);
      }
    for (const method of ['PUT', 'DELETE', 'OPTIONS'] as const) {
      const { statusCode, headers } = await undici(service.url + path, { method });
      expect([statusCode, headers.allow]).to.deep.equal([405, 'GET, HEAD, POST']);
    }
    expect(await entriesOf(to)).to.deep.equal([]);
  });

  it('is valid as long as its key is one of SECRET_KEYS', () => {
    const linksWith = (...keys: string[]) => new UnsubscribeLinks(keys, PUBLIC_URL, hashAddress);
    const key = '0b3f9a52-6a0c-4b5e-9d0e-1f6f0a7c2d11';
    const token = linksWith(secretKey).urlOf(key, 'ada@example.net').split('/').at(-1) as string;
    const named = { key: key.replaceAll('-', ''), addressHash: hashAddress('ada@example.net') };
    expect(linksWith('a'.repeat(32), secretKey).read(token)).to.deep.equal(named);
    expect(linksWith('a'.repeat(32)).read(token)).to.equal(null);
    for (const [url, areAvailable] of [
      ['http://mail.example', false],
      ['http://127.0.0.1:8080', true],
      [`https://mail.example/${'a'.repeat(900)}`, false],
      [null, false],
    ] as const)
      expect(new UnsubscribeLinks([secretKey], url, hashAddress).areAvailable, `${url}`).to.equal(
        areAvailable,
      );
  });

  it('is not in the log, and is 503 with Retry-After while the database is unavailable', async () => {
    const to = 'later@reader.example';
    const id = await send({ to, purpose: 'marketing' });
    const path = await linkOf(id);
    // Otherwise the worker keeps the result of the call until the database is back.
    await service.untilStatus(id, 'sent');
    proxy.stop();
    const { statusCode, headers, body } = await click(path);
    expect([statusCode, headers['retry-after']], await body.text()).to.deep.equal([503, '1']);
    expect((await undici(service.url + path)).statusCode).to.equal(200);
    const logged = JSON.stringify(log.lines);
    expect(logged)
      .to.contain('/unsubscribe/{token}')
      .and.not.to.match(/unsubscribe\/[\w-]{20}/);
    expect(logged).not.to.contain(path.slice(20, 40));
    expect(logged).not.to.contain('reader.example');
  });
});

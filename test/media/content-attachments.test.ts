import { expect } from 'chai';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { PDF, PDF_NAME, PNG } from '../support/mail.ts';
import { suppress } from '../support/suppressions.ts';

const EMAIL = {
  from: 'shop@example.com',
  to: 'ada@example.net',
  subject: 'Invoice',
  html: '<img src="cid:logo">',
};
const [pdf, png] = [PDF.toString('base64'), PNG.toString('base64')];
const FILES = [
  { content: pdf, filename: PDF_NAME, content_type: 'Application/PDF' },
  { content: png, filename: 'logo.png', content_type: 'image/png', content_id: 'logo' },
];

const NOT_BASE64 = ['YQ', 'YQ=', 'YR==', 'Y Q==', 'YWJj\n', 'YW-_', '====', 'ä', ' YWJj'];

describe('Attachments by content', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({ PUBLIC_URL: 'https://messaging.example' });
  });
  after(() => harness?.stop());

  const send = (changes: object, key?: string) =>
    harness.request(
      'POST',
      '/api/messages/email',
      { ...EMAIL, ...changes },
      key ? { 'idempotency-key': key } : {},
    );
  const count = async () => {
    const text =
      'select (select count(*) from media)::int as media, (select count(*) from media_objects)::int as objects';
    return (await query<{ media: number; objects: number }>(harness.databaseUrl, text))[0];
  };

  it('are stored before the message, which shows them with their names, types and content ids', async () => {
    const { status, body } = await send({ attachments: FILES });
    expect(status).to.equal(202);
    const shown = body.media.map(
      ({ name, content_type, content_id, size, state }: Record<string, unknown>) => [
        ...[name, content_type, content_id, size, state],
      ],
    );
    expect(shown).to.deep.equal([
      [PDF_NAME, 'application/pdf', undefined, PDF.length, 'stored'],
      ['logo.png', 'image/png', 'logo', PNG.length, 'stored'],
    ]);
    expect((await harness.request('GET', `/api/messages/${body.id}`)).body.media).to.deep.equal(body.media);
    for (const [index, content] of [PDF, PNG].entries()) {
      const response = await fetch(`${harness.url}/api/media/${body.media[index].id}/content`);
      expect(Buffer.from(await response.arrayBuffer()).equals(content)).to.equal(true);
    }
    await harness.untilStatus(body.id, 'delivered');
  });

  it('are stored once for repeated requests, also at the same time', async () => {
    const before = await count();
    const answers = await Promise.all([1, 2, 3].map(() => send({ attachments: FILES }, 'same-key')));
    answers.push(await send({ attachments: FILES }, 'same-key'));
    expect(new Set(answers.map(({ body }) => body.id)).size).to.equal(1);
    for (const { status, body } of answers) {
      expect(status).to.equal(202);
      expect(body.media).to.deep.equal(answers[0]?.body.media);
    }
    const after = await count();
    expect([
      (after?.media ?? 0) - (before?.media ?? 0),
      (after?.objects ?? 0) - (before?.objects ?? 0),
    ]).to.deep.equal([2, 2]);
    const other = await send({ attachments: FILES.slice(1) }, 'same-key');
    expect(other.body.code).to.equal('idempotency_key_reused');
    expect(await count()).to.deep.equal(after);
  });

  it('are not stored for a message that is refused', async () => {
    const before = await count();
    await suppress(harness.databaseUrl, 'stopped@example.net');
    expect((await send({ to: 'stopped@example.net', attachments: FILES })).status).to.equal(422);
    expect(await count()).to.deep.equal(before);
  });

  it('are refused with the path if they are not valid', async () => {
    const url = 'https://files.example.com/a.pdf';
    const cases: [unknown[], string][] = [
      ...NOT_BASE64.map((content): [unknown[], string] => [[{ content }], '/body/attachments/0/content']),
      [[{ content: '' }], '/body/attachments/0/content'],
      [[{ filename: 'a' }], '/body/attachments/0'],
      [[{ content: png, url }], '/body/attachments/0'],
      [[{ media_id: 1, content_type: 'image/png' }], '/body/attachments/0/content_type'],
      ...[
        'png',
        'text/plain; charset=iso-8859-1',
        'text/calendar;method=REQUEST',
        'a/b;',
        'a/b; name="\r\nBcc: x"',
      ].flatMap((content_type): [unknown[], string][] => [
        [[{ content: png, content_type }], '/body/attachments/0/content_type'],
        [[{ url, content_type }], '/body/attachments/0/content_type'],
      ]),
      [
        [
          { content: png, content_id: 'a' },
          { url, content_id: 'a' },
        ],
        '/body/attachments/1/content_id',
      ],
      [[{ content: png, content_id: 'a b' }], '/body/attachments/0/content_id'],
      [[{ content: png, filename: '../a' }], '/body/attachments/0/filename'],
    ];
    const before = await count();
    for (const [attachments, path] of cases) {
      const { status, body } = await send({ attachments });
      expect(status, JSON.stringify(attachments)).to.equal(422);
      const paths = body.errors.map((error: { path: string }) => error.path);
      expect(paths, JSON.stringify(attachments)).to.include(path);
    }
    expect((await send({ attachments: Array.from({ length: 11 }, () => url) })).status).to.equal(422);
    const text = { from: '+12016661234', to: '+18045551234', body: 'a', type: 'mms', attachments: FILES };
    expect((await harness.request('POST', '/api/messages/send', text)).status).to.equal(422);
    expect(await count()).to.deep.equal(before);
  });

  it('are checked by a preview, which stores nothing', async () => {
    const before = await count();
    const { status, body } = await harness.request('POST', '/api/messages/preview', {
      ...EMAIL,
      attachments: FILES,
    });
    expect([status, body.valid]).to.deep.equal([200, true]);
    expect(await count()).to.deep.equal(before);
  });
});

import { expect } from 'chai';
import { type Harness, startHarness } from '../../support/harness.ts';

const EMAIL = { from: 'shop@example.com', to: 'ada@example.net', subject: 'Invoice', text: 'Hello' };

/** Requests with a text that would begin another header, and the path of each text. */
function requestsWith(break_: string): [object, string][] {
  const text = `a${break_}Bcc: x@example.org`;
  const url = 'https://files.example.com/a.pdf';
  return [
    [{ subject: text }, '/body/subject'],
    [{ from: `${text} <shop@example.com>` }, '/body/from'],
    [{ from: `"${text}" <shop@example.com>` }, '/body/from'],
    [{ to: [`"${text}" <ada@example.net>`] }, '/body/to/0'],
    [{ to: `ada@example.net${break_}Bcc: x@example.org` }, '/body/to'],
    [{ cc: [`"${text}" <mary@example.net>`] }, '/body/cc/0'],
    [{ reply_to: `"${text}" <help@example.com>` }, '/body/reply_to'],
    [{ headers: { [`X-A${break_}Bcc`]: 'x@example.org' } }, `/body/headers/X-A${break_}Bcc`],
    [{ headers: { 'X-A': text } }, '/body/headers/X-A'],
    [{ attachments: [{ url, filename: text }] }, '/body/attachments/0/filename'],
    [{ attachments: [{ url, content_id: text }] }, '/body/attachments/0/content_id'],
    [{ attachments: [{ url, content_type: text }] }, '/body/attachments/0/content_type'],
  ];
}

describe('Header injection', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness?.stop());

  for (const [name, break_] of Object.entries({
    CRLF: '\r\n',
    LF: '\n',
    CR: '\r',
    'U+2028': '\u2028',
    NEL: '\u0085',
  }))
    it(`is refused with the path of each text that contains ${name}`, async () => {
      for (const [changes, path] of requestsWith(break_)) {
        const { status, body } = await harness.request('POST', '/api/messages/email', {
          ...EMAIL,
          ...changes,
        });
        expect(status, JSON.stringify(changes)).to.equal(422);
        expect(
          body.errors.map((error: { path: string }) => error.path),
          path,
        ).to.include(path);
      }
      expect(await harness.accepted()).to.deep.equal([]);
    });

  it('is refused for the headers of the service, also with another case', async () => {
    for (const name of ['bcc', 'FROM', 'Content-Type', 'Message-Id', 'X-SMTPAPI', 'Return-Path'])
      for (const path of ['/api/messages/email', '/api/messages/send']) {
        const request = { ...EMAIL, headers: { [name]: 'x@example.org' } };
        const { status, body } = await harness.request('POST', path, request);
        expect([status, body.errors?.[0]?.path], name).to.deep.equal([422, `/body/headers/${name}`]);
      }
    expect(await harness.accepted()).to.deep.equal([]);
  });

  it('is refused for encoded words with spaces, also by a preview', async () => {
    const text = '=?utf-8?q?x =0D=0ABcc: x@example.org?=';
    const url = 'https://files.example.com/a.pdf';
    for (const [changes, fault] of [
      [{ subject: text }, '/body/subject'],
      [{ from: `"${text}" <shop@example.com>` }, '/body/from'],
      [{ cc: [`"${text}" <mary@example.net>`] }, '/body/cc/0'],
      [{ reply_to: '=?utf-8?q?help?=@example.com' }, '/body/reply_to'],
      [{ attachments: [{ url, filename: '=?utf-8?q?evil 2=2Eexe?=' }] }, '/body/attachments/0/filename'],
    ] as const)
      for (const path of ['email', 'send', 'preview']) {
        const { status, body } = await harness.request('POST', `/api/messages/${path}`, {
          ...EMAIL,
          ...changes,
        });
        expect([status, body.errors[0].path]).to.deep.equal([path === 'preview' ? 200 : 422, fault]);
      }
    expect(await harness.accepted()).to.deep.equal([]);
  });

  it('does not refuse an email with names, headers and non-ASCII texts', async () => {
    const request = {
      ...EMAIL,
      from: '"Müller, Laden" <shop@example.com>',
      subject: '領収書 = Grüße?',
      headers: { 'X-Ticket': '4711', 'List-Unsubscribe': '<https://example.com/u>' },
    };
    const { status, body } = await harness.request('POST', '/api/messages/email', request);
    expect([status, body.headers]).to.deep.equal([202, request.headers]);
    await harness.untilStatus(body.id, 'delivered');
  });
});

import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { simpleParser } from 'mailparser';
import { isAutoReply } from '../../src/mail/auto-reply.ts';
import { bounceIn } from '../../src/mail/bounce.ts';
import { readMail, UnreadableMailError } from '../../src/mail/read-mail.ts';
import { strippedTextOf } from '../../src/mail/reply/stripped-text.ts';
import { textOfHtml } from '../../src/mail/text-of-html.ts';
import { usefulHeaders } from '../../src/mail/useful-headers.ts';
import { corpus } from '../support/mail-corpus.ts';

const MIB = 1_048_576;
const HEADERS = 'From: ada@example.com\r\nTo: support@shop.example\r\nSubject: Large\r\n';

/** Emails that the independent parser reads in another way, and why. */
const GUESSED = 'the reader chooses the charset by the bytes';
const REPORT = 'the parser adds the report to the text';
const DIFFERENT: Record<string, string> = {
  'no-charset-latin1': GUESSED,
  'utf8-declared-windows-1252': GUESSED,
  'unknown-charset': GUESSED,
  'no-charset-iso-2022-jp': GUESSED,
  'raw-latin1-header': GUESSED,
  'folded-headers': 'the reader keeps tabs',
  'mailing-list-footer': 'the parser leaves the footer out of the HTML',
  'bounce-postfix': REPORT,
  'delay-notification': REPORT,
  'bounce-two-recipients': REPORT,
  digest: 'the parser makes a text of its emails',
  'named-text-file': 'the parser adds the file to the text',
  'missing-boundary-parameter': 'the reader has the body as the text',
  'wrong-boundary': 'the reader has the body as the text',
  'nul-bytes': 'PostgreSQL cannot store them',
};

describe('The reader of emails', () => {
  it('reads each email of the corpus as it was written', async () => {
    const mails = corpus();
    expect(mails.length).to.be.at.least(60);
    for (const expected of mails) {
      const mail = await readMail(expected.raw);
      const about = expected.file;
      expect(mail.subject, about).to.equal(expected.subject);
      if (expected.any_text) expect(mail.text, about).to.include('Hello');
      else expect(mail.text, about).to.equal(expected.text || null);
      expect(mail.html !== null, about).to.equal(expected.html);
      expect(
        mail.files.map(({ name, contentType, content, disposition }) => ({
          ...{ name, type: contentType, size: content.length, disposition },
        })),
        about,
      ).to.deep.equal(expected.files);
      const text = mail.text ?? (mail.html && textOfHtml(mail.html));
      if (!expected.any_text)
        expect(text && strippedTextOf(text), about).to.equal(expected.stripped_text || null);
      expect(isAutoReply(mail.headers, undefined), about).to.equal(expected.auto_reply);
      if (expected.from) expect(mail.from, about).to.equal(expected.from);
      if (expected.references) expect(mail.references, about).to.deep.equal(expected.references);
      if (expected.headers) expect(usefulHeaders(mail), about).to.deep.equal(expected.headers);
      if (expected.bounce === undefined) continue;
      const bounce = bounceIn(mail);
      expect(bounce && { message_ids: bounce.messageIds, failed: failedIn(bounce) }, about).to.deep.equal(
        expected.bounce,
      );
    }
  });

  it('reads the corpus as an independent parser does', async () => {
    const hash = (content: Buffer) => createHash('sha256').update(content).digest('hex');
    const different: string[] = [];
    for (const { file, raw } of corpus()) {
      const mail = await readMail(raw);
      const oracle = await simpleParser(raw, {
        skipHtmlToText: true,
        skipTextToHtml: true,
        skipTextLinks: true,
        keepCidLinks: true,
      });
      const own = {
        subject: mail.subject,
        text: mail.text?.trim() || null,
        html: mail.html?.trim() ?? null,
        files: mail.files.map(({ content }) => hash(content)).sort(),
      };
      const theirs = {
        subject: oracle.subject || null,
        text: oracle.text?.trim() || null,
        html: (oracle.html || '').trim() || null,
        files: oracle.attachments.map(({ content }) => hash(content)).sort(),
      };
      const fields = (Object.keys(own) as (keyof typeof own)[]).filter(
        (field) => JSON.stringify(own[field]) !== JSON.stringify(theirs[field]),
      );
      if (fields.length > 0) different.push(file);
      if (fields.length > 0 && !DIFFERENT[file])
        expect.fail(
          `${file}: ${fields.map((field) => `${field} ${JSON.stringify([own[field], theirs[field]])}`)}`,
        );
    }
    expect(different.sort()).to.deep.equal(Object.keys(DIFFERENT).sort());
  });

  it('reads 20 levels, and a file of 18 MiB whole', async () => {
    const open = (n: number) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`;
    const nested = Array.from({ length: 20 }, (_, n) => open(n)).join('');
    expect((await readMail(Buffer.from(`${HEADERS}${nested}\r\nDeep`))).text).to.equal('Deep');
    const content = Buffer.alloc(18 * MIB, 'PDF ');
    const base64 = content.toString('base64').replace(/.{76}/g, '$&\r\n');
    const file = `--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n--b--\r\n`;
    const raw = Buffer.from(
      `${HEADERS}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n${file}`,
    );
    expect(raw.length).to.be.greaterThan(24 * MIB);
    const { text, files } = await readMail(raw);
    expect(text).to.equal('Hello');
    expect(files[0]?.content.equals(content)).to.equal(true);
  });

  it('reads or refuses hostile emails soon, and never throws another error', async () => {
    const body = (text: string) => `${HEADERS}\r\n${text}`;
    const multipart = (text: string) => `${HEADERS}Content-Type: multipart/mixed; boundary=b\r\n\r\n${text}`;
    const html = (text: string) => `${HEADERS}Content-Type: text/html\r\n\r\n${text}`;
    const cases: Record<string, string> = {
      'empty lines': body('\n'.repeat(20 * MIB)),
      'empty quoted lines': `${HEADERS}Content-Transfer-Encoding: quoted-printable\r\n\r\n${'=\n'.repeat(10 * MIB)}`,
      'lines like boundaries': multipart('--\n'.repeat(5 * MIB)),
      'empty parts': multipart('--b\n\n'.repeat(100_000)),
      'parts without an end of their headers': multipart('--b\nx: y\n'.repeat(100_000)),
      'boundaries of many multiparts': `${HEADERS}Content-Type: multipart/mixed; boundary=x\r\n\r\n${Array.from(
        { length: 5_000 },
        (_, n) => `--x\nContent-Type: multipart/mixed; boundary=${'y'.repeat(190)}${n}\n\n`,
      ).join('')}${`--${'y'.repeat(189)}z\n`.repeat(40_000)}`,
      'a long boundary': `${HEADERS}Content-Type: multipart/mixed; boundary=${'-'.repeat(100_000)}\r\n\r\n\n${'-'.repeat(99_999)}${'\n--'.repeat(MIB)}`,
      'many headers': `${HEADERS}${'a: b\r\n'.repeat(100_000)}\r\nHello`,
      'a long header': `To: ${'a@example.com, '.repeat(40_000)}\r\n\r\nHello`,
      'open brackets': `${HEADERS}Cc: ${'<('.repeat(200_000)}\r\n\r\nHello`,
      'open encoded words': `Subject: ${'=?utf-8?q?'.repeat(40_000)}\r\n\r\nHello`,
      'many ids': `References: ${'<a@b> <'.repeat(60_000)}\r\n\r\nHello`,
      'open tags': html('<div>'.repeat(500_000)),
      'content ids': html('cid:'.repeat(500_000)),
      'spaces before line ends': `${HEADERS}Content-Transfer-Encoding: quoted-printable\r\n\r\n=${' '.repeat(10 * MIB)}`,
      'no line end': 'x'.repeat(10 * MIB),
      nothing: '',
    };
    for (const [about, raw] of Object.entries(cases)) {
      const mail = await readMail(Buffer.from(raw)).catch((error: Error) => error);
      if (mail instanceof Error) expect(mail, about).to.be.instanceOf(UnreadableMailError);
    }
    const tooLarge = await readMail(Buffer.alloc(31 * MIB)).catch((error: Error) => error);
    expect(tooLarge).to.be.instanceOf(UnreadableMailError);
  });

  it('finds the reply in hostile texts soon, or takes the whole text', () => {
    const cases = [
      'On a ',
      '\n',
      ' ',
      '>',
      'Op schreef \n',
      'From: <a@b> ',
      'Am x\n\nschrieb <',
      'On x\n> y\n',
      '_',
      '2026-11.11',
    ];
    for (const text of cases) expect(strippedTextOf(text.repeat(20_000))).to.be.a('string');
  });
});

function failedIn({ failed }: NonNullable<ReturnType<typeof bounceIn>>) {
  return failed.map(({ address, bounce, status, diagnostic }) => [address, bounce, status, diagnostic]);
}

import { expect } from 'chai';
import fc from 'fast-check';
import { composeMime } from '../../../src/providers/email/mime.ts';
import type { OutgoingFile } from '../../../src/providers/outgoing.ts';
import {
  type Email,
  expectNoBlindCopy,
  expectSame,
  PNG,
  readBack,
  referenceEmail,
} from '../../support/mail.ts';

/** The reference email with other parts. */
function withParts(changes: Partial<Email>, parts: Partial<Email['email']>): Email {
  const message = referenceEmail(changes);
  return { ...message, email: { ...message.email, ...parts } };
}

function fileOf(content: Buffer, changes: Partial<OutgoingFile> = {}): OutgoingFile {
  return {
    ...{ url: 'https://files.example.com/2', contentType: 'text/plain', size: content.length, name: 'a.txt' },
    ...{ contentId: null, content, ...changes },
  };
}

describe('composeMime', () => {
  it('composes an email that an independent parser reads back whole, without its blind copies', async () => {
    const message = referenceEmail();
    const raw = await composeMime(message);
    expectSame(await readBack(raw), message);
    expectNoBlindCopy(raw, message);
  });

  it('composes the same bytes in every attempt', async () => {
    const first = await composeMime(referenceEmail());
    expect(first.equals(await composeMime(referenceEmail()))).to.equal(true);
  });

  it('has lines of at most 998 bytes that end with CRLF, and ASCII headers', async () => {
    const references = Array.from({ length: 50 }, (_, n) => `${n}.${'x'.repeat(100)}@mail.example.net`);
    const raw = await composeMime(
      withParts(
        { subject: '長い件名'.repeat(100) },
        { references, html: 'ü'.repeat(5_000), text: 'x'.repeat(5_000) },
      ),
    );
    const text = raw.toString('latin1');
    for (const line of text.split('\r\n')) expect(line.length).to.be.at.most(998);
    expect(text.replaceAll('\r\n', '')).not.to.match(/[\r\n]/);
    expect(text).to.match(/^[\r\n\t\x20-\x7e]*$/);
  });

  it('composes emails without some of the parts', async () => {
    const none = { inReplyTo: null, references: [], headers: {}, names: {} };
    const [text, html] = ['Only a text', '<p>Only HTML</p>'];
    const cases: Email[] = [
      withParts({ files: [], cc: null, bcc: null, reply_to: null }, { ...none, html: null, text }),
      withParts({ files: [fileOf(PNG, { contentType: 'image/png' })] }, { ...none, html: null, text }),
      withParts({ files: [fileOf(PNG), fileOf(Buffer.from('b'))] }, { html: null, text: null }),
      withParts({ files: [fileOf(PNG, { contentType: 'image/png', contentId: 'a' })] }, { html, text }),
      withParts({ subject: null, files: [] }, { html, text }),
    ];
    for (const message of cases) expectSame(await readBack(await composeMime(message)), message);
  });

  it('keeps every byte of attached emails and multipart files, which get a type without structure', async () => {
    const eml = Buffer.from('Subject: Grüße\nContent-Type: text/plain\n\nü\n--\n');
    const files = [
      fileOf(eml, { contentType: 'message/rfc822', name: 'a' }),
      fileOf(eml, { contentType: null, name: 'b' }),
    ];
    const { files: received } = await readBack(await composeMime(referenceEmail({ files })));
    for (const { contentType, content } of received) {
      expect(contentType).to.equal('application/octet-stream');
      expect(content.equals(eml)).to.equal(true);
    }
  });

  it('keeps every text, name, subject and content', async () => {
    const oneLine = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom(...'"\\,;:<>()@.=?_ äßé山😀'),
          fc.string({ minLength: 1, maxLength: 1 }),
        ),
      })
      .map((text) =>
        text
          .replace(/[\p{Cc}\u2028\u2029]/gu, '')
          .replace(/\s+/g, ' ')
          .trim(),
      );
    const text = fc
      .array(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('.', '..', 'From x', '--', '=', ' ', '\t', 'ü'.repeat(500)),
        ),
      )
      .map((lines) => lines.map((line) => line.replace(/[\r\n]/g, '')).join('\n'));
    const parts = {
      subject: oneLine,
      name: oneLine,
      fileName: oneLine,
      text,
      content: fc.uint8Array({ maxLength: 300 }),
    };
    const property = fc.asyncProperty(
      fc.record(parts),
      async ({ subject, name, fileName, text, content }) => {
        const names: Record<string, string> =
          name === '' ? {} : { 'shop@example.com': name, 'mary@example.net': name };
        const file = fileOf(Buffer.from(content), { name: fileName === '' ? null : fileName });
        const body = { text: text.trim() === '' ? 'x' : text, html: `<p>${text}</p>` };
        const message = withParts({ subject, files: [file] }, { names, ...body });
        expectSame(await readBack(await composeMime(message)), message);
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });
});

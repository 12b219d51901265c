import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { corpus } from '../../support/mail-corpus.ts';
import { deliverMime, mimeEnvironment } from '../../support/mime.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const HEADERS = 'From: ada@example.com\r\nTo: support@shop.example\r\nSubject: Generated\r\n';

/** Emails that are too large for the repository. */
function generated(): Record<string, Buffer> {
  const open = (n: number) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`;
  const nested = (levels: number) => Array.from({ length: levels }, (_, n) => open(n)).join('');
  const base64 = Buffer.alloc(18 * MIB, 'PDF ')
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n');
  const pdf = `Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n--b--\r\n`;
  const texts = {
    'nested-20': `${HEADERS}${nested(20)}\r\nDeep`,
    'nested-120': `${HEADERS}${nested(120)}\r\nDeep`,
    'large-file': `${HEADERS}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n${pdf}`,
    'many-lines': `${HEADERS}\r\n${'a\n'.repeat(10 * MIB)}`,
    'many-parts': `${HEADERS}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\n\nx\n'.repeat(100_000)}`,
    'many-recipients': `To: ${'a@example.com, '.repeat(30_000)}\r\nSubject: Many\r\n\r\nHello`,
    zeros: '\0'.repeat(100),
    nothing: '',
  };
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)]));
}

/** Takes minutes, so that `make verify-providers` runs it, and not `make test`. */
describe('The corpus of emails', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ ...mimeEnvironment, PUBLIC_URL: 'https://messaging.example' });
  });
  after(() => service.stop());

  const mailboxOf = (file: string) => `${file}@corpus.example`;
  const untilProcessed = () =>
    until(
      async () =>
        (await service.request('GET', '/api/quarantine?account=mime&state=pending')).body.data.length === 0,
      'the inbox is empty',
    );
  const messageOf = async (file: string): Promise<Message | null> => {
    const rows = await query<{ message_id: string }>(
      service.databaseUrl,
      'select message_id from emails where $1 = any(delivered_to)',
      [mailboxOf(file)],
    );
    expect(rows.length, file).to.be.at.most(1);
    return rows[0] ? (await service.request('GET', `/api/messages/${rows[0].message_id}`)).body : null;
  };
  const isQuarantined = async (file: string) =>
    (
      await query(
        service.databaseUrl,
        `select from webhook_inbox where state = 'quarantined' and target like $1`,
        [`%${encodeURIComponent(mailboxOf(file))}%`],
      )
    ).length === 1;

  it('is stored whole, with the texts and the files that each email has', async () => {
    const mails = corpus();
    for (const { file, raw } of mails) {
      const { status } = await deliverMime(service, raw, { recipients: [mailboxOf(file)] });
      expect(status, file).to.equal(200);
    }
    await untilProcessed();
    for (const expected of mails) {
      const about = expected.file;
      const message = await messageOf(about);
      if (message === null) {
        expect(await isQuarantined(about), about).to.equal(true);
        continue;
      }
      expect(message.raw?.size, about).to.equal(expected.raw.length);
      expect(message.auto_reply, about).to.equal(expected.auto_reply);
      expect(
        (message.media ?? []).map(({ size }) => size),
        about,
      ).to.deep.equal(expected.files.map(({ size }) => size));
      if (expected.any_text) continue;
      expect(message.stripped_text ?? '', about).to.equal(expected.stripped_text ?? '');
      if (!expected.html) expect(message.body, about).to.equal(expected.text ?? '');
    }
  });

  it('is stored whole or quarantined also where an email is large, deep or hostile', async () => {
    const mails = generated();
    for (const [file, raw] of Object.entries(mails)) {
      const { status } = await deliverMime(service, raw, { recipients: [mailboxOf(file)] });
      expect(status, file).to.equal(200);
    }
    await untilProcessed();
    for (const [file, raw] of Object.entries(mails)) {
      const message = await messageOf(file);
      if (message) expect(message.raw?.size ?? 0, file).to.equal(raw.length);
      else expect(await isQuarantined(file), file).to.equal(true);
    }
    expect(await isQuarantined('nested-120')).to.equal(true);
    const [file] = (await messageOf('large-file'))?.media ?? [];
    expect(file?.size).to.equal(18 * MIB);
  });
});

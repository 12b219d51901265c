import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { UnreadableMailError } from '../../../src/mail/read-mail.ts';
import { MailReader, mailReader } from '../../../src/webhooks/mail/reading/reader.ts';
import { mail } from '../../support/mime.ts';

const emailOf = (text: string) => ({ content: { raw: Buffer.from(mail({ Subject: 'Read' }, text)) } });

describe('The reader of emails', () => {
  it('leaves the process free for other work while it reads a large email', async () => {
    const pdf = Buffer.alloc(15_000_000, 'PDF').toString('base64').replace(/.{76}/g, '$&\r\n');
    const type = 'application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64';
    const raw = Buffer.from(mail({ 'Content-Type': type }, pdf));
    let isRead = false;
    const reading = mailReader.read({ content: { raw } }).finally(() => {
      isRead = true;
    });
    let turns = 0;
    for (; !isRead; turns++) await turn();
    const { mail: read } = await reading;
    expect(read.files.map(({ name, content }) => [name, content.length])).to.deep.equal([
      ['a.pdf', 15_000_000],
    ]);
    // In this thread, the reader would leave no more than a few.
    expect(turns).to.be.greaterThan(100);
  });

  it('refuses an email that takes too much time as unreadable, and reads the next one in another thread', async () => {
    const own = new MailReader(1);
    for (const _ of [1, 2]) {
      const failure = await own.read(emailOf('Hello')).catch((error) => error);
      expect(failure).to.be.instanceOf(UnreadableMailError);
      expect(failure.message).to.include('more than 1 ms');
    }
  });

  it('throws any other error of the reader as it is', async () => {
    const failure = await mailReader.read({ content: { parsed: {} as never } }).catch((error) => error);
    expect(failure).to.be.instanceOf(Error).and.not.instanceOf(UnreadableMailError);
    expect((await mailReader.read(emailOf('Hello'))).text).to.equal('Hello');
  });
});

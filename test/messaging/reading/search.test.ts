import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { inboundEmail, inboundSms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('A search', function () {
  this.timeout(120_000);
  let service: Harness;
  let received = 0;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
  });
  after(() => service.stop());

  async function receive(type: 'sms' | 'email', body: string, more: object = {}): Promise<number> {
    const id = `search-${++received}`;
    const answer =
      type === 'sms'
        ? await service.request('POST', '/api/webhooks/sms', {
            ...inboundSms,
            ...more,
            messaging_provider_id: id,
            body,
          })
        : await service.request('POST', '/api/webhooks/email', {
            ...inboundEmail,
            ...more,
            xillio_id: id,
            body,
          });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    return answer.body.id;
  }

  async function find(q: string, harness = service): Promise<Message[]> {
    const { status, body } = await harness.request(
      'GET',
      `/api/messages?limit=200&q=${encodeURIComponent(q)}`,
    );
    expect(status, JSON.stringify(body)).to.equal(200);
    return body.data;
  }
  const ids = async (q: string) => (await find(q)).map(({ id }) => id);
  const markedWords = (text = '') => [...text.matchAll(/<mark>(.*?)<\/mark>/g)].map(([, word]) => word);

  /** Expects that each search finds the message and marks a word. */
  async function expectFound(id: number, searches: string[]): Promise<void> {
    for (const q of searches) {
      const found = (await find(q)).find((message) => message.id === id);
      expect(found, q).to.be.an('object');
      expect(markedWords(found?.highlight?.body), q).not.to.have.length(0);
    }
  }
  async function expectNotFound(id: number, searches: string[]): Promise<void> {
    for (const q of searches) expect(await ids(q), q).not.to.include(id);
  }

  it('covers 20,000 words of an email with 25,000 different words of compatibility characters', async () => {
    const squared = Array.from({ length: 88 }, (_, index) => String.fromCodePoint(0x3300 + index))
      .sort((a, b) => Buffer.byteLength(b.normalize('NFKD')) - Buffer.byteLength(a.normalize('NFKD')))
      .slice(0, 32);
    const words = squared
      .flatMap((a) => squared.flatMap((b) => squared.map((c) => a + b + c)))
      .slice(0, 25_000);
    const { from, to } = inboundEmail;
    const sent = await service.request('POST', '/api/messages/email', {
      from: to,
      to: from,
      body: words.join(' '),
    });
    expect(sent.status, JSON.stringify(sent.body)).to.equal(202);
    await expectFound(sent.body.id, [words[0] as string, words[5_000] as string]);
    await expectFound(await receive('email', words.join(' ')), [words[0] as string]);
  });

  describe('for a term with punctuation or a phrase in a long email', () => {
    it('finds a word after its 256th occurrence', async () => {
      const body = Array.from({ length: 400 }, (_, n) => `order-${n + 1000} shipped`).join('\n');
      const id = await receive('email', body);
      await expectFound(id, [
        'order-1005',
        'order-1390',
        'order_1390',
        '"1390 shipped"',
        '"shipped order" 1399',
      ]);
      await expectNotFound(id, ['order-1400', '"1390 order"', 'order -"1390 shipped"', 'order -order-1390']);
    });

    it('finds words after the 16,383rd word', async () => {
      const body = Array.from({ length: 17_500 }, (_, n) => `w${n % 1000}`).join(' ');
      const id = await receive('email', `${body} ref-ZZ9 tail@corp.example`);
      await expectFound(id, ['ref-ZZ9', 'tail@corp.example', '"zz9 tail"', 'nowhere or ref-ZZ9']);
      await expectNotFound(id, ['"ZZ9 ref"', '-"ref zz9" tail', 'nowhere-else or zz9-ref']);
    });
  });

  it('covers the first 100,000 characters and 20,000 words of a body', async () => {
    const long = await receive('email', `${'parrots '.repeat(12_499)}abcdefgh-ijkl`);
    await expectFound(long, ['abcdefgh', '"parrots abcdefgh"']);
    await expectNotFound(long, ['abcdefgh-ijkl', 'ijkl']);
    const words = await receive('email', `${'x '.repeat(19_000)}inside ${'x '.repeat(1_000)}outside`);
    await expectFound(words, ['inside']);
    await expectNotFound(words, ['outside']);
  });

  it('excludes an address, also in another notation', async () => {
    const mail = await receive('email', 'kestrel', { from: 'negada@example.com' });
    const text = await receive('sms', 'kestrel', { from: '+14155550171' });
    expect(await ids('kestrel')).to.have.members([mail, text]);
    expect(await ids('kestrel -negada@example.com')).to.deep.equal([text]);
    expect(await ids('kestrel -Negada@Example.COM')).to.deep.equal([text]);
    expect(await ids('kestrel -"(415) 555-0171"')).to.deep.equal([mail]);
    expect(await ids('-negada@example.com')).not.to.include(mail);
    expect(await ids('-negada@example.com')).to.include(text);
    expect(await ids('-"negada example"')).not.to.include(mail);
  });

  it('finds text in angle brackets that is not an HTML tag', async () => {
    const body = 'Ada <ada.lovelace@corp.example>, <https://corp.example/QQ77>, if x<yankee and z>whiskey';
    const searches = ['lovelace', 'ada.lovelace@corp.example', 'QQ77', 'yankee', 'whiskey', 'x-yankee'];
    for (const type of ['sms', 'email'] as const) await expectFound(await receive(type, body), searches);
    await expectFound(await receive('sms', 'the <bold> and <b>brave</b>'), ['bold', 'b']);
  });

  it('finds no part of an HTML tag of an email', async () => {
    const id = await receive(
      'email',
      `<!DOCTYPE html><!-- note --><p class="zebra-class">one<BR/>two<img src='zebra.png' alt="x"/><o:p></o:p></P>`,
    );
    await expectFound(id, ['one', 'two']);
    await expectNotFound(id, ['one zebra', 'two br', 'one note', 'one doctype', 'one o', 'one alt']);
  });

  it('finds the characters of character references in an email, and loses no word next to an ampersand', async () => {
    const mail = await receive(
      'email',
      '<p>Caf&eacute; Z&uuml;rich Stra&szlig;e &#1055;&#1088;&#x438;&#1074;&#1077;&#1090; Johnson&amp;Sons &lt;support@corp.example&gt;</p>',
    );
    const searches = ['cafe', 'CAFÉ', 'zurich', 'strasse', 'привет', 'Johnson&Sons', 'support@corp.example'];
    await expectFound(mail, searches);
    await expectNotFound(mail, ['cafe eacute', 'johnson amp']);
    const [found] = await find('zurich привет');
    expect(found?.highlight?.body).to.equal(
      'Café <mark>Zürich</mark> Straße <mark>Привет</mark> Johnson&amp;Sons &lt;support@corp.example&gt;',
    );
    const text = await receive('sms', 'foxtrot&golf;hotel &eacute; India');
    await expectFound(text, ['foxtrot', 'golf', 'hotel', 'foxtrot&golf', 'eacute india']);
  });

  const FORMS: [language: string, body: string, searches: string[]][] = [
    ['Greek', 'ΟΔΟΣ κόσμος', ['οδος', 'οδοσ', 'ΟΔΌΣ', 'ΚΟΣΜΟΣ', 'κοσμοσ']],
    ['Persian', 'می\u200cخواهم', ['میخواهم', 'می\u200cخواهم']],
    ['Hebrew', 'שָׁלוֹם', ['שלום', 'שָׁלוֹם']],
    ['Arabic', 'مَرْحَبًا', ['مرحبا', 'مَرْحَبًا', 'مرحـــبا']],
    ['Polish', 'Łódź', ['lodz', 'łódź', 'ŁÓDŹ']],
    ['Vietnamese', 'Đường', ['duong', 'đường']],
    ['Danish', 'Ærø', ['aero', 'ærø', 'ÆRØ']],
    ['German', 'GROẞE Straße', ['große', 'grosse', 'STRASSE']],
    ['Turkish', 'İstanbul ılık', ['istanbul', 'İSTANBUL', 'ILIK', 'ılık']],
    ['Russian', 'Ёлка', ['елка', 'ЁЛКА']],
    ['Hindi', 'हिन्दी', ['हिन्दी']],
    ['a soft hyphen', 'quick\u00adsilver', ['quicksilver', 'quick\u00adsilver']],
    ['zero-width spaces and direction marks', 'mono\u200bchrome \u200evivid\u200f', ['monochrome', 'vivid']],
    ['a variation selector', 'sun\ufe0fflower', ['sunflower']],
    ['compatibility characters', 'Ｆｕｌｌ Acme™ ﬁne', ['full', 'acmetm', 'fine']],
  ];
  for (const [language, body, searches] of FORMS)
    it(`finds all forms of a word with ${language}`, async () => {
      await expectFound(await receive('sms', body), searches);
    });

  it('ignores "or" before, after and next to other terms', async () => {
    const [one, two] = [await receive('sms', 'osprey'), await receive('sms', 'pelican')];
    for (const q of ['or osprey', 'osprey or', 'OR osprey OR', 'or or osprey'])
      expect(await ids(q), q).to.deep.equal([one]);
    for (const q of ['osprey or pelican', 'osprey or or pelican or'])
      expect(await ids(q), q).to.deep.equal([two, one]);
    const { status, body } = await service.request('GET', '/api/messages?q=or');
    expect([status, body.errors[0].path]).to.deep.equal([422, '/query/q']);
    expect(await ids('"or" osprey')).to.deep.equal([]);
  });

  it('has the same results in a database with the locale C', async () => {
    const url = new URL(process.env.TEST_DATABASE_URL ?? '');
    const name = `locale_c_${process.pid}`;
    await query(
      url.href,
      `create database ${name} encoding 'UTF8' locale_provider libc locale 'C' template template0`,
    );
    url.pathname = `/${name}`;
    await migrate(url.href);
    const other = await startHarness({ ROLE: 'api', DATABASE_URL: url.href });
    const { status } = await other.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      body: 'ПРИВЕТ, мир! CAFÉ «Ёлка» ΟΔΟΣ',
    });
    expect(status).to.equal(200);
    for (const q of ['привет', 'МИР', 'café', 'cafe', 'елка', 'οδός'])
      expect(await find(q, other), q).to.have.length(1);
    await other.stop();
  });
});

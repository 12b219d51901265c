import { expect } from 'chai';
import escapeHtml from 'escape-html';
import fc from 'fast-check';
import pg from 'pg';
import { htmlText } from '../../../src/messaging/reading/html-text.ts';
import { TOKEN, wordsOf } from '../../../src/messaging/reading/search-words.ts';
import { createMigratedDatabase } from '../../support/database.ts';

const RUNS = { seed: 20_261_127, numRuns: 2_000 };

/** Expects that the words of each text are the expected words. Shows the first text with other words. */
function expectEqual(bodies: string[], actual: string[], expected: (body: string) => string): void {
  expect(actual).to.have.length(bodies.length);
  const index = bodies.findIndex((body, n) => actual[n] !== expected(body));
  const body = bodies[index] ?? '';
  expect(actual[index], JSON.stringify(body)).to.equal(index < 0 ? undefined : expected(body));
}

describe('The words of a message', function () {
  this.timeout(120_000);
  let client: pg.Client;
  /** All characters that the database has in its version of Unicode. */
  let characters: string[];
  before(async () => {
    client = new pg.Client({ connectionString: await createMigratedDatabase() });
    await client.connect();
    characters = await assigned(
      Array.from({ length: 0x110000 }, (_, code) => code)
        .filter((code) => code > 0 && (code < 0xd800 || code > 0xdfff))
        .map((code) => String.fromCodePoint(code)),
    );
  });
  after(() => client.end());

  async function assigned(texts: string[]): Promise<string[]> {
    const { rows } = await client.query<{ text: string }>(
      'select text from unnest($1::text[]) with ordinality as given(text, n) where unicode_assigned(text) order by n',
      [texts],
    );
    return rows.map(({ text }) => text);
  }

  /** The words of each body, as the database computes them. */
  async function wordsInDatabase(bodies: string[], type = 'sms', schema = 'public'): Promise<string[]> {
    const { rows } = await client.query<{ words: string }>(
      `select trim(${schema}.message_words($2, '', '{}', null, null, null, body)) as words
       from unnest($1::text[]) with ordinality as given(body, n) order by n`,
      [bodies, type],
    );
    return rows.map(({ words }) => words);
  }

  it('are the same in the database and in the service for every character', async () => {
    const bodies = characters.map((character) => `a${character}b`);
    expectEqual(bodies, await wordsInDatabase(bodies), (body) => wordsOf(body).join(' '));
  });

  it('are the same with the ICU collation, which PostgreSQL 15 and 16 need', async () => {
    const [function_] = (
      await client.query<{ definition: string }>(
        `select pg_get_functiondef('message_words'::regproc) as definition`,
      )
    ).rows;
    const definition = function_?.definition ?? '';
    expect(definition).to.contain('pg_c_utf8').and.to.contain('public.message_words');
    await client.query(`create schema icu;
      ${definition.replaceAll('pg_c_utf8', 'und-x-icu').replace('public.message_words', 'icu.message_words')}`);
    // An older ICU does not have the lower case of some rare letters.
    const bodies = characters.filter((one) => /[ -\u052f\u0531-\u058f\u1e00-\u1fff]/.test(one));
    expectEqual(bodies, await wordsInDatabase(bodies, 'sms', 'icu'), (body) => wordsOf(body).join(' '));
  });

  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc
      .array(
        fc.constantFrom(
          'Σ',
          'σ',
          'İ',
          'ß',
          'é',
          'e\u0301',
          '\u200d',
          '\ufe0f',
          '😀',
          '™',
          '½',
          'ﷺ',
          ' ',
          '-',
          'a',
        ),
      )
      .map((parts) => parts.join('')),
  );
  const storable = (text: string) => text.isWellFormed() && !text.includes('\0');
  const markup = fc
    .array(
      fc.constantFrom(
        ...['<', '>', '</', '/>', '<!--', '<![', '&', ';', '&#', '&#x', '=', '"', ' ', '\n', '/', '!', '-'],
        ...['b', 'p', 'h1', 'td', 'o:p', 'style', 'img', 'ada', 'yankee', 'x', '1', '233', 'e9', '0', 'd800'],
        ...[
          'amp',
          'lt',
          'eacute',
          'AElig',
          'oelig',
          'szlig',
          'SZLIG',
          'nbsp',
          'shy',
          'zwnj',
          'zwj',
          'oslash',
          'golf',
        ],
      ),
      { maxLength: 30 },
    )
    .map((parts) => parts.join(''));

  it('are the same in the database and in the service for any text', async () => {
    const bodies = await assigned(fc.sample(texts, RUNS).filter(storable));
    expectEqual(bodies, await wordsInDatabase(bodies), (body) => wordsOf(body).join(' '));
  });

  it('are the same in the database and in the service for any HTML', async () => {
    const known = [
      '<td class="a">one</td><td>two</td>&lt;ada@b.example&gt; Caf&eacute; &#1055;&#x440;&amp;eacute;&#38;eacute;',
      '&#0;&#55296;&#1114112;&#9999999;&#xffffff;&#xd800; <!-- note --> <!doctype html> &golf; &AElig; Stra&szlig;e',
      // Names of the members of every object in JavaScript.
      '&constructor; &econstructor; &valueOf; &__proto__;',
    ];
    const bodies = [...known, ...fc.sample(markup, RUNS)];
    expectEqual(bodies, await wordsInDatabase(bodies, 'email'), (body) => wordsOf(htmlText(body)).join(' '));
  });

  it('of the parts that a highlight marks are the words of the whole text', () => {
    const bodies = [...characters.map((character) => `a${character}b`), ...fc.sample(texts, RUNS)];
    const wordsOfParts = (body: string) => (body.match(TOKEN) ?? []).flatMap(wordsOf).join(' ');
    expectEqual(bodies, bodies.map(wordsOfParts), (body) => wordsOf(body).join(' '));
  });

  it('never make a message too large to store', async () => {
    const squared = Array.from({ length: 88 }, (_, index) => String.fromCodePoint(0x3300 + index))
      .sort((a, b) => b.normalize('NFKD').length - a.normalize('NFKD').length)
      .slice(0, 30);
    const triples = squared.flatMap((a) => squared.flatMap((b) => squared.map((c) => a + b + c)));
    const bodies = [
      triples.slice(0, 25_000).join(' '),
      'ﷺ'.repeat(100_000),
      '﷽'.repeat(100_000),
      '㌖'.repeat(100_000),
      '\u{1f600}'.repeat(100_000),
      Array.from({ length: 33_000 }, (_, n) => String.fromCodePoint(0x20000 + n)).join(' '),
      '&#128512;'.repeat(11_000),
      '\u0300'.repeat(100_000),
      '<a'.repeat(50_000),
      '&#'.repeat(50_000),
      '<a ='.repeat(25_000),
      `<a ${'='.repeat(99_000)}`,
      '',
      ' ',
      '!',
    ];
    for (const body of bodies)
      for (const type of ['sms', 'email']) {
        const { rows } = await client.query(
          `select octet_length(words) as bytes, length(message_document(words)) as words
           from message_words($1, 'a@b.example', '{}', null, null, null, $2) as words`,
          [type, body],
        );
        expect(rows[0].bytes).to.be.lessThan(1 << 20);
        expect(rows[0].words).to.be.within(1, 20_000);
        // The text of a highlight is also computed in a time that is linear to its length.
        expect(escapeHtml(htmlText(body))).to.be.a('string');
      }
  });
});

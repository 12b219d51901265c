import { expect } from 'chai';
import fc from 'fast-check';
import { sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const MAX_LENGTH = 200;

/** Texts near or above one of PostgreSQL's limits for a search. */
const EXTREME = [
  '-'.repeat(33),
  '-'.repeat(MAX_LENGTH),
  '- '.repeat(MAX_LENGTH / 2),
  '-('.repeat(MAX_LENGTH / 2),
  '!'.repeat(MAX_LENGTH),
  '-"'.repeat(MAX_LENGTH / 2),
  '"'.repeat(MAX_LENGTH),
  '-a '.repeat(66),
  '-a'.repeat(MAX_LENGTH / 2),
  'a or '.repeat(40),
  'or '.repeat(66),
  'a'.repeat(MAX_LENGTH),
  '\u{1f600}'.repeat(MAX_LENGTH),
  'a.b/'.repeat(50),
  '1.'.repeat(MAX_LENGTH / 2),
  'a@'.repeat(MAX_LENGTH / 2),
  `${'-'.repeat(40)}Hello`,
  `Hello ${'-'.repeat(40)}`,
  `"Hello ${'-'.repeat(40)}"`,
];

const syntax = fc.constantFrom(
  '-',
  '"',
  ' ',
  'or ',
  'a',
  '(',
  ')',
  '!',
  '&',
  '|',
  ':*',
  '<->',
  "'",
  '\\',
  '.',
  '@',
);
const searches = fc
  .oneof(fc.array(syntax, { minLength: 1, maxLength: MAX_LENGTH }), fc.array(fc.string({ unit: 'binary' })))
  .map((parts) => [...parts.join('')].slice(0, MAX_LENGTH).join(''))
  .filter((text) => text !== '');

describe('A search with unusual characters', function () {
  this.timeout(60_000);
  let service: Harness;
  before(async () => {
    service = await startHarness();
    await service.request('POST', '/api/messages/sms', sms);
  });
  after(() => service.stop());

  /** The status, and the paths of the errors. */
  const search = async (q: string) => {
    const { status, body } = await service.request('GET', `/api/messages?q=${encodeURIComponent(q)}`);
    return [status, (body.errors ?? []).map(({ path }: { path: string }) => path)];
  };

  it('is answered, or refused as an invalid search', async () => {
    for (const q of EXTREME)
      expect(await search(q), q).to.deep.be.oneOf([
        [200, []],
        [422, ['/query/q']],
      ]);
  });

  it('is refused with more nested negations than PostgreSQL allows', async () => {
    expect(await search('-'.repeat(33))).to.deep.equal([422, ['/query/q']]);
  });

  it('is answered or refused for any text', async () => {
    await fc.assert(
      fc.asyncProperty(searches, async (q) => {
        expect(await search(q)).to.deep.be.oneOf([
          [200, []],
          [422, ['/query/q']],
        ]);
      }),
      { seed: 20_260_802, numRuns: 300 },
    );
  });
});

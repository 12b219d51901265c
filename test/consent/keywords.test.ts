import { expect } from 'chai';
import fc from 'fast-check';
import { readKeywords } from '../../src/consent/keyword-file.ts';
import {
  createKeywordMatcher,
  type Keyword,
  MAX_KEYWORD_LENGTH,
  MAX_TEXT_LENGTH,
  normaliseKeyword,
} from '../../src/consent/keywords.ts';
import { countSegments } from '../../src/messaging/segments.ts';

const shipped = readKeywords(null);
const match = createKeywordMatcher(shipped);
const actionOf = (text: string, by: (text: string) => Keyword | null = match) => by(text)?.action;

const WORDS = Object.values(shipped).flatMap(({ stop, start, help }) =>
  Object.entries({ stop, start, help }).flatMap(([action, words]) =>
    words.map((word): [string, string] => [word, action]),
  ),
);
const NOISE = ['.', '!', '?', '"', '“', '”', '«', '»', '¡', '-', '—', '…', '(', ')', '*', '🛑', '✋🏽', '👍'];
const noise = fc.string({
  unit: fc.constantFrom(' ', '\n', '\t', '\u00a0', '\u200b', ...NOISE),
  maxLength: 8,
});

describe('The shipped replies', () => {
  it('have one segment each', () => {
    const segments = Object.values(shipped).flatMap(({ replies }) =>
      Object.values(replies).map((reply) => countSegments(reply ?? '')),
    );
    expect(segments).to.have.length(9);
    expect(new Set(segments)).to.deep.equal(new Set([1]));
  });
});

describe('The keywords of text messages', () => {
  const texts: Record<string, string[]> = {
    stop: [
      ...['STOP', 'stop', ' Stop. ', '  STOP ALL ', 'stop-all', 'Opt-out', 'opt out', 'OPTOUT!', '"Stop"'],
      ...[
        'STOP 🛑',
        '🛑🛑 stop',
        'ＳＴＯＰ',
        'ｓｔｏｐ．',
        'ST\u200bOP',
        'S\u00adTOP',
        '\u202eSTOP\u202c',
        'STOP\u0000',
      ],
      ...[
        '“arrêt”',
        'ARRET',
        'arre\u0302t',
        'Désabonner',
        'desabonner',
        'Dar  de\nbaja',
        'unsubscrıbe',
        'QUİT',
      ],
      ...['revoke', 'End.', 'quit', 'Cancel!!!', 'S\u0301TOP', '𝐒𝐓𝐎𝐏', '⒮stop'.slice(1), 'unsubscribe'],
    ],
    start: ['START', 'yes', 'Yes!', 'unstop', 'iniciar', 'réabonner'],
    help: ['HELP', 'help?', 'Info', 'informacion', 'información', 'aide'],
  };
  for (const [action, given] of Object.entries(texts))
    it(`recognise requests for ${action}`, () => {
      for (const text of given) expect(actionOf(text), JSON.stringify(text)).to.equal(action);
    });

  it('are whole texts', () => {
    const others = [
      '',
      ' ',
      '🛑',
      'please stop',
      'stop it',
      'stopp',
      'don’t stop',
      'STOP\nSent from my phone',
    ];
    for (const text of [...others, 'yes please', 'S T O P', 'sí', 'oui', 's.t.o.p'])
      expect(match(text), JSON.stringify(text)).to.equal(null);
  });

  it('reply in the language of the keyword', () => {
    expect(match('arrêt')?.reply).to.equal(shipped.fr?.replies.stop);
    expect(match('ayuda')?.reply).to.equal(shipped.es?.replies.help);
    expect(match('stop')?.reply).to.equal(shipped.en?.replies.stop);
  });

  it('are recognised in any case, with accents and with other characters around', () => {
    const spelling = fc
      .tuple(fc.constantFrom(...WORDS), fc.infiniteStream(fc.boolean()), noise, noise)
      .map(([[word, action], upper, before, after]) => {
        const mixed = [...word].map((letter) =>
          upper.next().value ? letter.toUpperCase() : letter.toLowerCase(),
        );
        return { text: before + mixed.join('') + after, action };
      });
    fc.assert(
      fc.property(spelling, fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD'), ({ text, action }, form) => {
        expect(actionOf(text.normalize(form))).to.equal(action);
      }),
    );
  });

  it('are compared in a form that a second normalisation does not change', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: MAX_KEYWORD_LENGTH }), (text) => {
        const normal = normaliseKeyword(text);
        expect(normaliseKeyword(normal)).to.equal(normal);
        expect(normal).to.equal(normal.trim());
      }),
      { numRuns: 2_000 },
    );
  });

  it('never are a text with another word', () => {
    const word = fc.stringMatching(/^[a-z]{3,10}$/).filter((text) => text !== 'all' && text !== 'out');
    fc.assert(
      fc.property(fc.constantFrom(...WORDS), word, fc.boolean(), ([keyword], other, first) => {
        expect(match(first ? `${other} ${keyword}` : `${keyword} ${other}`)).to.equal(null);
      }),
    );
  });

  it('are recognised with any number of other characters around, as far as a text can have them', () => {
    for (const other of ['!', ' ', '\n', '. ', '🛑', '❗️', '\u00A0'])
      for (const count of [60, 99, 790]) {
        const others = other.repeat(count);
        for (const text of [`stop${others}`, `${others}stop`, `${others}stop${others}`])
          expect(actionOf(text), `${count} of ${JSON.stringify(other)}`).to.equal('stop');
      }
    expect(actionOf(`stop${'.'.repeat(50)} ${' '.repeat(100)}all`)).to.equal('stop');
  });

  it('are not looked for in long texts', () => {
    expect(actionOf(`stop${'.'.repeat(MAX_TEXT_LENGTH - 4)}`)).to.equal('stop');
    expect(match(`stop${'.'.repeat(MAX_TEXT_LENGTH - 3)}`)).to.equal(null);
    expect(match(`stop ${'a '.repeat(MAX_KEYWORD_LENGTH)}`)).to.equal(null);
  });

  it('always include the English stop words, with the reply of the first language', () => {
    const replies = { stop: 'Beendet', start: null, help: null };
    const own = createKeywordMatcher({ de: { stop: ['HALT'], start: ['WEITER'], help: [], replies } });
    for (const text of [
      'STOP',
      'stopall',
      'Unsubscribe',
      'END',
      'QUIT',
      'CANCEL',
      'REVOKE',
      'OPTOUT',
      'halt',
    ])
      expect(own(text), text).to.deep.equal({ action: 'stop', reply: 'Beendet' });
    expect(actionOf('weiter', own)).to.equal('start');
    expect(own('START')).to.equal(null);
    expect(own('arrêt')).to.equal(null);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { SegmentedMessage } from 'sms-segments-calculator';
import { nonGsmCharacters, replacementOf } from '../../../src/messaging/preview/characters.ts';
import { isGsm, measureText } from '../../../src/messaging/segments.ts';

describe('The replacement of a character that GSM-7 does not have', () => {
  for (const [title, replacements] of [
    ['is a plain quote', { '“': '"', '”': '"', '„': '"', '‘': "'", '’': "'", '´': "'", '`': "'", '«': '"' }],
    [
      'is a hyphen for dashes, bullets and the minus sign',
      { '–': '-', '—': '-', '‐': '-', '•': '-', '−': '-' },
    ],
    [
      'is a space for every other space',
      { '\u00a0': ' ', '\u202f': ' ', '\u3000': ' ', '\t': ' ', '\u2028': ' ' },
    ],
    ['is empty for invisible characters', { '\u200b': '', '\u00ad': '', '\ufeff': '', '\u2060': '' }],
    [
      'has the letters of a ligature, a fraction or a sign',
      { ﬁ: 'fi', œ: 'oe', '½': '1/2', '№': 'No', '™': 'TM' },
    ],
    [
      'is the letter without an accent that GSM-7 does not have',
      { ê: 'e', ç: 'c', ã: 'a', Š: 'S', ł: 'l', İ: 'I' },
    ],
    ['is the composed letter that GSM-7 has', { 'e\u0301': 'é', 'A\u030a': 'Å', '“\ufe0f': '"' }],
    ['is the letter without marks that no letter has', { 'x\u0302': 'x', 'u\u0308\u0303': 'ü' }],
    ['is three dots for an ellipsis, and digits for full-width digits', { '…': '...', '１': '1' }],
  ] as const)
    it(title, () => {
      for (const [character, replacement] of Object.entries(replacements))
        expect(replacementOf(character), character).to.equal(replacement);
    });

  it('is null for emoji, other scripts and signs', () => {
    for (const character of ['😀', '👨‍👩‍👧', 'ж', 'Ά', '中', '한', '©', '→', '\ufffd', 'नि'])
      expect(replacementOf(character), character).to.equal(null);
  });

  it('is always a text of GSM-7', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), (character) => {
        const replacement = replacementOf(character);
        return replacement === null || isGsm(replacement);
      }),
    );
  });
});

describe('The measure of a text', () => {
  const anyText = fc
    .array(fc.string({ unit: 'grapheme' }), { maxLength: 5 })
    .map((parts) => parts.join('a€“'));

  it('has the encoding, units and segments of the library', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string()), (text) => {
        const library = new SegmentedMessage(text);
        const units = library.encodingName === 'GSM-7' ? library.numberOfCharacters : text.length;
        expect(measureText(text)).to.deep.include({
          ...{ encoding: library.encodingName, units, segments: library.segmentsCount },
        });
      }),
    );
  });

  it('has the units of one segment, or of each of several segments', () => {
    const unitsPerSegment = (text: string) => measureText(text)?.unitsPerSegment;
    expect(unitsPerSegment('a'.repeat(160))).to.equal(160);
    expect(unitsPerSegment('a'.repeat(161))).to.equal(153);
    expect(unitsPerSegment('ж'.repeat(70))).to.equal(70);
    expect(unitsPerSegment('ж'.repeat(71))).to.equal(67);
    expect(measureText('a'.repeat(39_016))).to.equal(null);
  });

  it('lists the characters that force UCS-2, by the code points in front of them', () => {
    const text = '😀 It’s “e\u0301” – it’s';
    const { characters, replaced } = nonGsmCharacters(text, 'UCS-2');
    expect(characters.map(({ character, positions, count }) => [character, positions, count])).to.deep.equal([
      ['😀', [0], 1],
      ['’', [4, 16], 2],
      ['“', [7], 1],
      ['e\u0301', [8], 1],
      ['”', [10], 1],
      ['–', [12], 1],
    ]);
    expect(characters[3]).to.deep.include({ code_points: ['U+0065', 'U+0301'], replacement: 'é' });
    expect(replaced).to.equal('😀 It\'s "é" - it\'s');
  });

  it('lists nothing exactly for a text of GSM-7, and loses no other character in its replacement', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { encoding } = measureText(text) ?? { encoding: 'UCS-2' as const };
        const { characters, replaced } = nonGsmCharacters(text, encoding);
        expect(characters.length === 0).to.equal(isGsm(text));
        const isComplete = characters.every(({ replacement }) => replacement !== null);
        if (isComplete && characters.length < 100) expect(isGsm(replaced)).to.equal(true);
        for (const { character, positions } of characters)
          for (const position of positions)
            expect(Array.from(text).slice(position).join('')).to.satisfy((rest: string) =>
              rest.startsWith(character),
            );
      }),
    );
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { parseAddress } from '../../src/messaging/address.ts';
import { countSegments } from '../../src/messaging/segments.ts';

describe('An address', () => {
  const cases: [string, string | null, string?][] = [
    ['+12016661234', '+12016661234'],
    ['+1 (201) 666-1234', '+12016661234'],
    ['201.666.1234', '+12016661234'],
    ['tel:+1-201-666-1234', '+12016661234'],
    ['+15551234567', '+15551234567'],
    ['+44 20 7946 0958', '+442079460958'],
    ['12345', '12345'],
    ['ACME Shop', 'ACME Shop'],
    ['User@Example.COM', 'user@example.com', 'User@example.com'],
    ['Ada Lovelace <Ada@x.org>', 'ada@x.org', 'Ada@x.org'],
    ['"Lovelace, Ada" <ada@x.org>', 'ada@x.org'],
    ['[user@usehatchapp.com](mailto:user@usehatchapp.com)', 'user@usehatchapp.com'],
    ['  a@b  ', 'a@b'],
    ['a@b, c@d', null],
    ['a@', null],
    ['@b', null],
    ['a b@c', null],
    ['+1', null],
    ['12', null],
    ['+123456789012345678', null],
    ['twelve characters', null],
    ['!!!', null],
    ['', null],
  ];
  for (const [input, key, wire = key] of cases) {
    it(`${JSON.stringify(input)} is ${key ?? 'none'}`, () => {
      const address = parseAddress(input, 'US');
      expect(address?.key ?? null).to.equal(key);
      expect(address?.wire ?? null).to.equal(wire);
    });
  }

  it('without a country is read in the default region', () => {
    expect(parseAddress('020 7946 0958', 'GB')?.key).to.equal('+442079460958');
  });

  it('stays as it is once it has its one form, whatever was written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.emailAddress(), fc.stringMatching(/^\+?[\d ()-]{3,18}$/)),
        (input) => {
          const first = parseAddress(input, 'US');
          return first === null || parseAddress(first.wire, 'US')?.key === first.key;
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('Segments of a text', () => {
  it('are 160 GSM-7 or 70 UCS-2 characters, and fewer in several', () => {
    const bodies = [
      '',
      'a'.repeat(160),
      'a'.repeat(306),
      'a'.repeat(307),
      '€'.repeat(80),
      '€'.repeat(81),
      'ж'.repeat(70),
      'ж'.repeat(71),
      '😀'.repeat(35),
      '😀'.repeat(36),
    ];
    expect(bodies.map(countSegments)).to.deep.equal([1, 1, 2, 3, 1, 2, 1, 2, 1, 2]);
  });
});

import { expect } from 'chai';
import { countSegments } from '../../src/messaging/segments.ts';

describe('The number of segments of an SMS', () => {
  it('is one for up to 160 GSM-7 or 70 UCS-2 characters, then one per 153 or 67 characters', () => {
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

  it('is null for a body that is longer than the longest SMS', () => {
    const counts = ['ж', '€', '😀', 'e\u0301', 'a'].map((unit) =>
      countSegments(unit.repeat(39_015 / unit.length)),
    );
    expect(counts).to.deep.equal([583, 514, 592, 583, 255]);
    expect(countSegments('a'.repeat(39_016))).to.equal(null);
  });
});

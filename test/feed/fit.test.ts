import { expect } from 'chai';
import { fit, MAX_BYTES } from '../../src/feed/fit.ts';
import type { Schema } from '../../src/openapi/types.ts';

describe('An event that is too large', () => {
  it('keeps the reply of an email first, then its text, and its body last', () => {
    const [small, large] = [100, 30_000];
    const cases: [lengths: [body: number, text: number, stripped: number], kept: RegExp][] = [
      [[large, small, small], /^1\d{4} 100 100$/],
      [[small, large, small], /^0 1\d{4} 100$/],
      [[large, large, small], /^0 1\d{4} 100$/],
      [[small, small, large], /^0 0 1\d{4}$/],
      [[large, large, large], /^0 0 1\d{4}$/],
    ];
    for (const [lengths, kept] of cases) {
      const [body, text, stripped_text] = lengths.map((length) => 'x'.repeat(length));
      const data = { id: 1, subject: 'Order 7', body, text, stripped_text };
      const event = fit({
        id: 1,
        type: 'message.received',
        timestamp: '',
        data,
      } as unknown as Schema<'Event'>);
      const cut = event.data as unknown as typeof data;
      expect([cut.body, cut.text, cut.stripped_text].map((each) => each?.length).join(' ')).to.match(kept);
      expect(event).to.deep.include({ truncated: true, data: { ...cut, id: 1, subject: 'Order 7' } });
      expect(Buffer.byteLength(JSON.stringify(event))).to.be.at.most(MAX_BYTES);
    }
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { createFrameParser, type Frame } from '../../../sdk/src/events/frames.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (...texts: string[]) => {
  const parser = createFrameParser();
  return texts.flatMap((text) => parser(encode(text)));
};

const STREAM =
  '\ufeff: keep-alive\nid: 41\n\nevent: message.received\r\nid:42\r\ndata: {"body": "é 😀: x"}\r\n\r\ndata: a\rdata:  b\rdata\r\r';
const FRAMES: Frame[] = [
  { id: '41' },
  { event: 'message.received', id: '42', data: '{"body": "é 😀: x"}' },
  { id: '42', data: 'a\n b\n' },
];
/** The fields of frames that the parser knows. */
const known = (frames: Frame[]) =>
  frames.map(({ id, event, data }) => ({
    ...(id && { id }),
    ...(event && { event }),
    ...(data && { data }),
  }));

describe('The parser of server-sent events', () => {
  it('reads ids, names, lines of data, comments and each kind of line break', () => {
    expect(known(parse(STREAM, '\n'))).to.deep.equal(FRAMES);
  });

  it('returns nothing for a frame without its end', () => {
    expect(parse('id: 1\ndata: x\n')).to.deep.equal([]);
    expect(known(parse('id: 1\ndata: x\n', '\n'))).to.deep.equal([{ id: '1', data: 'x' }]);
  });

  it('reads chunks that end anywhere, also in a character or a line break', () => {
    const bytes = encode(`${STREAM}\n`);
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: bytes.length });
    fc.assert(
      fc.property(cuts, (places) => {
        const parser = createFrameParser();
        const ends = [...places.sort((a, b) => a - b), bytes.length];
        const frames = ends.flatMap((end, index) => parser(bytes.subarray(ends[index - 1] ?? 0, end)));
        expect(known(frames).filter((frame) => Object.keys(frame).length > 0)).to.deep.equal(FRAMES);
      }),
    );
  });
});

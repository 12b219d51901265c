import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'chai';
import {
  boundedRegExp,
  boundFormats,
  MAX_CHECKED_LENGTH,
} from '../../../src/http/contract/bounded-checks.ts';
import { dereference } from '../../../src/openapi/dereference.ts';
import { openApiDocument } from '../../../src/openapi/document.ts';

const MEGABYTES = 9_000_000;
const starts = ['', 'https://', 'https://[', 'https://user@', '2024-11-01T14:00:00.', 'P1', 'a@', '::', '/'];
const units = [
  'a',
  'A',
  '1',
  '/',
  '.',
  ':',
  '-',
  '@',
  '%41',
  '%',
  '[',
  '~0',
  '\u00e9',
  'T',
  'a.',
  'a-',
  '1.',
  '{a}',
];

/** Texts that cause the most work for a backtracking regular expression. */
function* adversarialTexts(length: number): Generator<string> {
  for (const start of starts)
    for (const unit of units) yield start + unit.repeat(Math.ceil((length - start.length) / unit.length));
}

describe('A format or a pattern of the contract', () => {
  const ajv = new Ajv2020({ strict: false, code: { regExp: boundedRegExp } });
  addFormats.default(ajv, { mode: 'full' });
  const textFormats = Object.entries(ajv.formats)
    .filter(([, format]) => format !== true && (format as { type?: string }).type !== 'number')
    .map(([name]) => name);
  boundFormats(ajv);

  for (const format of textFormats) {
    it(`refuses megabytes of adversarial text: ${format}`, () => {
      const validate = ajv.compile({ type: 'string', format });
      for (const text of adversarialTexts(MEGABYTES)) expect(validate(text)).to.equal(false);
    });
  }

  it('accepts valid texts and refuses invalid texts', () => {
    const examples = {
      uri: 'https://example.com/a?b#c',
      'date-time': '2024-11-01T14:00:00Z',
      uuid: '6f1c9f3e-0d1b-4f5e-9c57-0f4f1d7c2a11',
      hostname: 'example.com',
    };
    for (const [format, text] of Object.entries(examples)) {
      const validate = ajv.compile({ type: 'string', format });
      expect(validate(text), format).to.equal(true);
      expect(validate('\n'), format).to.equal(false);
    }
  });

  it('refuses megabytes of text by a pattern that would overflow the stack', () => {
    const validate = ajv.compile({ type: 'string', pattern: '^(?:a|b|%41)*$' });
    for (const text of adversarialTexts(MEGABYTES)) expect(validate(text)).to.equal(false);
    expect([validate('ab%41'), validate('abc')]).to.deep.equal([true, false]);
  });

  it('has a maxLength below the limit of the check in every request', async () => {
    const { paths } = await dereference(openApiDocument());
    let checked = 0;
    const visit = (node: unknown, where: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { type = '', pattern, format, maxLength } = node as Record<string, unknown>;
      if ([type].flat().includes('string') && (pattern !== undefined || format !== undefined)) {
        expect(maxLength, where).to.be.a('number');
        // A character outside the Basic Multilingual Plane takes two UTF-16 units.
        expect(2 * (maxLength as number), where).to.be.at.most(MAX_CHECKED_LENGTH);
        checked++;
      }
      for (const [key, value] of Object.entries(node))
        if (key !== 'examples' && key !== 'example') visit(value, `${where}/${key}`);
    };
    for (const [path, operations] of Object.entries(paths))
      for (const [method, operation] of Object.entries(operations)) {
        const { parameters, requestBody } = operation as { parameters?: object; requestBody?: object };
        // A raw body is not checked by its schema.
        const isRaw = 'x-raw-body' in operation;
        visit({ parameters, ...(!isRaw && { requestBody }) }, `${method} ${path}`);
      }
    expect(checked).to.be.above(20);
  });
});

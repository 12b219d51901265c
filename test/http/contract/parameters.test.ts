import { expect } from 'chai';
import { withDecimalIntegers } from '../../../src/http/contract/parameters.ts';
import { dereference } from '../../../src/openapi/dereference.ts';
import { openApiDocument } from '../../../src/openapi/document.ts';

const withPath = (path: object) => ({ ...openApiDocument(), paths: { '/numbers': path } }) as never;
const withSchema = (schema: object) =>
  withPath({ get: { parameters: [{ name: 'n', in: 'query', schema }] } });
const bounds = { minimum: 0, maximum: 9 };

describe('A number parameter of the contract', () => {
  it('is an integer with bounds, in the parameters of an operation', async () => {
    const document = await dereference(openApiDocument());
    expect(() => withDecimalIntegers(document)).not.to.throw();
    for (const schema of [
      { type: 'integer', ...bounds },
      { type: 'array', items: { type: 'integer', ...bounds } },
    ])
      expect(JSON.stringify(withDecimalIntegers(withSchema(schema)))).to.contain('x-decimal-integer');
  });

  for (const schema of [
    { type: 'integer' },
    { type: 'integer', minimum: 0 },
    { type: 'integer', minimum: -1, maximum: 9 },
    { type: ['integer', 'null'], ...bounds },
    { type: 'array', items: { type: ['integer', 'null'], ...bounds } },
    { anyOf: [{ type: 'integer', ...bounds }, { type: 'null' }] },
    { type: 'number', ...bounds },
  ])
    it(`stops the start with any other schema: ${JSON.stringify(schema)}`, () => {
      expect(() => withDecimalIntegers(withSchema(schema))).to.throw(/^openapi.yaml: /);
    });

  it('stops the start if it is in the parameters of a path', () => {
    const parameters = [{ name: 'n', in: 'query', schema: { type: 'integer', ...bounds } }];
    expect(() => withDecimalIntegers(withPath({ parameters, get: {} }))).to.throw(/^openapi.yaml: /);
  });
});

import { expect } from 'chai';
import { dereference } from '../../src/openapi/dereference.ts';
import { openApiDocument } from '../../src/openapi/document.ts';
import { branchesOf, faultsBy, type Schema } from './contract.ts';

const { schemas } = openApiDocument().components as unknown as { schemas: Record<string, Schema> };
const CLOSED = [
  'SmsMessage',
  'MmsMessage',
  'EmailMessage',
  'UntypedMessage',
  'SendSms',
  'SendEmail',
  'ParticipantUpdate',
];
const PROBLEM = '#/components/responses/Problem';

/** Calls `visit` with every schema of the dereferenced contract, and where it is. */
async function eachSchema(
  visit: (schema: Schema & { description?: string }, where: string) => void,
): Promise<void> {
  const walk = (node: unknown, where: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'example' || key === 'examples' || key === 'x-codeSamples') continue;
      const path = `${where}/${key}`;
      if (['schema', 'items'].includes(key)) visit(value, path);
      if (key === 'properties')
        for (const [name, property] of Object.entries(value as object)) visit(property, `${path}/${name}`);
      walk(value, path);
    }
  };
  walk((await dereference(openApiDocument())).paths, '');
}

describe('The contract', () => {
  it('describes every property', async () => {
    const missing = new Set<string>();
    await eachSchema((schema, where) => {
      if (/\/properties\/[^/]+$/.test(where) && !schema.description) missing.add(where);
    });
    expect([...missing]).to.deep.equal([]);
  });

  it('limits the length of every text', async () => {
    const unlimited = new Set<string>();
    await eachSchema(({ type, maxLength, enum: values, const: value }, where) => {
      const isText = [type ?? ''].flat().includes('string');
      if (isText && maxLength === undefined && !values && value === undefined) unlimited.add(where);
    });
    expect([...unlimited]).to.deep.equal([]);
  });

  it('has a problem document for every other status of every operation', () => {
    for (const [path, methods] of Object.entries(openApiDocument().paths))
      for (const [method, operation] of Object.entries(methods))
        expect(operation, `${method} ${path}`).to.have.nested.property('responses.default.$ref', PROBLEM);
  });

  it('gives every object a name that generated clients can use', () => {
    const unnamed: string[] = [];
    const walk = (node: unknown, where: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties } = node as Schema;
      for (const [name, property] of Object.entries(properties ?? {}))
        if (property.properties || property.items?.properties) unnamed.push(`${where}/${name}`);
      for (const [key, value] of Object.entries(node)) walk(value, `${where}/${key}`);
    };
    walk(schemas, '');
    expect(unnamed).to.deep.equal([]);
  });

  it('closes the schemas of requests and opens those of responses', () => {
    const closed = Object.entries(schemas).filter(([, schema]) => schema.additionalProperties === false);
    expect(closed.map(([name]) => name)).to.have.members(CLOSED);
  });

  it('has exactly one schema for each type of a message and for a message without a type', () => {
    const union = branchesOf({ $ref: '#/components/schemas/SendMessage' });
    const message = { from: '+12016661234', to: ['+18045551234'], body: 'Hi' };
    const fitting = (type: object) =>
      union.filter((schema) => faultsBy(schema, { ...message, ...type }) === null).length;
    for (const type of [{}, { type: 'sms' }, { type: 'mms' }, { type: 'email' }])
      expect(fitting(type), JSON.stringify(type)).to.equal(1);
    expect(fitting({ type: 'fax' })).to.equal(0);
  });
});

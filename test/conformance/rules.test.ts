import { expect } from 'chai';
import { dereference } from '../../src/openapi/dereference.ts';
import { openApiDocument } from '../../src/openapi/document.ts';
import { branchesOf, faultsBy, type Schema } from './contract.ts';

const { schemas } = openApiDocument().components as unknown as { schemas: Record<string, Schema> };
const CLOSED = [
  'EmailAttachment',
  'SmsMessage',
  'MmsMessage',
  'EmailMessage',
  'UntypedMessage',
  'SendSms',
  'SendEmail',
  'ParticipantUpdate',
  'ConversationUpdate',
  'NewSuppression',
  'NewEndpoint',
  'EndpointChange',
  'EndpointReplay',
];
const PROBLEM = '#/components/responses/Problem';

/** Calls `visit` with every schema of the dereferenced contract and its path. */
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
  it('has a description of every property', async () => {
    const missing = new Set<string>();
    await eachSchema((schema, where) => {
      if (/\/properties\/[^/]+$/.test(where) && !schema.description) missing.add(where);
    });
    expect([...missing]).to.deep.equal([]);
  });

  it('has a max length for every text', async () => {
    const unlimited = new Set<string>();
    await eachSchema(({ type, maxLength, enum: values, const: value }, where) => {
      const isText = [type ?? ''].flat().includes('string');
      if (isText && maxLength === undefined && !values && value === undefined) unlimited.add(where);
    });
    expect([...unlimited]).to.deep.equal([]);
  });

  it('describes the statuses that an operation does not list as problem documents', () => {
    for (const [path, methods] of Object.entries(openApiDocument().paths))
      for (const [method, operation] of Object.entries(methods))
        expect(operation, `${method} ${path}`).to.have.nested.property('responses.default.$ref', PROBLEM);
  });

  it('has a named schema for every object, so that generated clients have a named type', () => {
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

  it('allows unknown fields in responses, and refuses them in requests', () => {
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

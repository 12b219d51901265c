import fc from 'fast-check';
import { isValid, resolve, type Schema } from './contract.ts';

/** Generators of values that the service can process, by the names of schemas and fields. */
export type Known = Record<string, fc.Arbitrary<unknown>>;

/** Generates values that are valid by the schema; the generators of `known` replace schemas and fields of the same name. */
export function arbitraryOf(schema: Schema, known: Known = {}): fc.Arbitrary<unknown> {
  const name = schema.$ref?.split('/').at(-1);
  if (name && known[name]) return known[name];
  const resolved = resolve(schema);
  if (resolved.const !== undefined) return fc.constant(resolved.const);
  if (resolved.enum) return fc.constantFrom(...resolved.enum);
  if (resolved.oneOf) return fc.oneof(...resolved.oneOf.map((branch) => arbitraryOf(branch, known)));
  if (resolved.type === undefined) return fc.jsonValue();
  return fc.oneof(...[resolved.type].flat().map((type) => ofType(type, resolved, known)));
}

function ofType(type: string, schema: Schema, known: Known): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.maxSafeInteger().filter((value) => isValid(schema, value));
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, known), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case 'object':
      return objectOf(schema, known);
    default:
      return textOf(schema);
  }
}

function objectOf(schema: Schema, known: Known): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, minProperties = 0, maxProperties } = schema;
  if (typeof additionalProperties === 'object') {
    const key = fc.string({ minLength: 1, maxLength: schema.propertyNames?.maxLength ?? 20 });
    return fc.dictionary(key, arbitraryOf(additionalProperties, known), { maxKeys: 4 });
  }
  const fields = Object.entries(properties).map(([name, field]) => [
    name,
    known[name] ?? arbitraryOf(field, known),
  ]);
  const isWithin = (count: number) => count >= minProperties && count <= (maxProperties ?? count);
  return fc
    .record(Object.fromEntries(fields), { requiredKeys: required as never })
    .filter((value) => isWithin(Object.keys(value).length));
}

function textOf(schema: Schema): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 200 } = schema;
  if (format === 'date-time')
    return fc
      .date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
      .map((date) => date.toISOString());
  // The service calls endpoints: no request may leave this machine.
  if (format === 'uri')
    return fc
      .webUrl({ withQueryParameters: true })
      .map((url) => url.replace(/(?<=^\w+:\/\/)[^/?]+/, 'conformance.invalid'));
  if (pattern) return fc.string({ minLength: Math.max(minLength, 1), maxLength: Math.min(maxLength, 60) });
  // The same object for every value, so that its validator is compiled once.
  const lengths = { type: 'string', minLength, maxLength };
  return fc
    .string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 60) })
    .filter((text) => isValid(lengths, text));
}

import fc from 'fast-check';
import { arbitraryOf, type Known } from './arbitrary.ts';
import { branchesOf, isValid, type Operation, type Parameter, resolve, type Schema } from './contract.ts';
import type { Request } from './request.ts';

/** A change that adds one error to a valid request. */
export interface Breakage {
  title: string;
  /** The path that the response must name; null if the request is refused before validation. */
  where: string | null;
  statuses: number[];
  /** If the body is a union: the schema that the body matches before the change. */
  branch?: Schema;
  apply: (request: Request) => Request;
}
/** The path of the error, a description of the error, and the invalid value. */
type Broken = [path: string, how: string, value: unknown];

/** A longer text would exceed the limit of a body, and the status would be 413. */
const MAX_TEXT = 1_000_000;

const OF_EVERY_TYPE = { string: 'text', integer: 7, boolean: true, null: null, array: [], object: {} };

/** Every change that makes a request of this operation invalid at one path. */
export function breakagesOf(operation: Operation, known: Known): Breakage[] {
  const { body, parameters, security, tag } = operation;
  return [
    ...(body
      ? [
          ...branchesOf(body.schema).flatMap((branch) => bodyBreakages(branch, known)),
          ...noBody(security === 'webhookSignature'),
        ]
      : []),
    ...parameters.flatMap((parameter) => parameterBreakages(parameter, known)),
    ...(security === 'webhookSignature' || tag === 'System' ? [] : [unknownQuery]),
  ];
}

const unknownQuery: Breakage = {
  title: 'an unknown query parameter',
  where: '/query/unknown',
  statuses: [422],
  apply: (request) => ({ ...request, query: [...request.query, ['unknown', '1']] }),
};

function bodyBreakages(branch: Schema, known: Known): Breakage[] {
  const schema = resolve(branch);
  const fields = Object.entries(schema.properties ?? {});
  // Without its type, a message matches another schema of the union.
  const required = (schema.required ?? []).filter((name) => name !== 'type');
  const ofFields = fields.flatMap(([name, field]) =>
    broken(field, known).map(
      ([path, how, value]): Breakage => ({
        title: `${name}${path}: ${how}`,
        where: `/body/${name}`,
        statuses: [422],
        apply: (request) => ({ ...request, body: { ...(request.body as object), [name]: value } }),
      }),
    ),
  );
  const missing = required.map(
    (name): Breakage => ({
      title: `without ${name}`,
      where: `/body/${name}`,
      statuses: [422],
      apply: (request) => {
        const { [name]: _, ...rest } = request.body as Record<string, unknown>;
        return { ...request, body: rest };
      },
    }),
  );
  if (schema.additionalProperties === true) return [...ofFields, ...missing];
  const unknown: Breakage = {
    title: 'an unknown field',
    where: '/body/unknown',
    statuses: [422],
    apply: (request) => ({ ...request, body: { ...(request.body as object), unknown: 1 } }),
  };
  return [...ofFields, ...missing, unknown].map((breakage) => ({ ...breakage, branch }));
}

function noBody(signed: boolean): Breakage[] {
  const text = (title: string, statuses: number[], change: Partial<Request>): Breakage => ({
    title,
    where: null,
    statuses,
    apply: (request) => ({ ...request, ...change }),
  });
  return [
    text('malformed JSON', [400], { text: '{"from": ' }),
    text('JSON that is a text', [422], { text: '"text"' }),
    text('JSON that is a list', [422], { body: [] }),
    text('text of another content type', [415], { text: 'text', contentType: 'text/plain' }),
    // The content type of a webhook is not checked if its body is JSON.
    ...(signed ? [] : [text('another content type', [415], { contentType: 'text/plain' })]),
    ...(signed ? [] : [text('another charset', [415], { contentType: 'application/json; charset=latin1' })]),
  ];
}

function parameterBreakages({ name, in: place, schema }: Parameter, known: Known): Breakage[] {
  // Authentication reads these parameters before validation, and responds with 401 if they are invalid.
  const authenticates = ['webhook-timestamp', 'provider', 'signature'].includes(name);
  const statuses = authenticates ? [401, 422] : [422];
  const where = authenticates ? null : `/${place === 'header' ? 'headers' : place}/${name}`;
  return broken(schema, known)
    .filter(([, , value]) => isBrokenOnWire(schema, value) && !(place === 'path' && value === ''))
    .map(([path, how, value]) => ({
      title: `${place} ${name}${path}: ${how}`,
      where: where?.toLowerCase() ?? null,
      statuses,
      apply: (request) => withParameter(request, place, name, value),
    }));
}

function withParameter(request: Request, place: Parameter['in'], name: string, value: unknown): Request {
  if (place === 'path') return { ...request, params: { ...request.params, [name]: String(value) } };
  if (place === 'header') return { ...request, headers: { ...request.headers, [name]: String(value) } };
  const others = request.query.filter(([key]) => key !== name);
  const given = [value].flat().map((item): [string, string] => [name, String(item)]);
  return { ...request, query: [...others, ...given] };
}

/** Whether a value is also invalid in a path, a query or a header, where every value is text. */
function isBrokenOnWire(schema: Schema, value: unknown): boolean {
  const { type } = resolve(schema);
  if (type === 'array') return Array.isArray(value) && value.length > 0 && !value.some(isObject);
  if (value === null || typeof value === 'object' || typeof value === 'boolean') return false;
  return !isValid(schema, type === 'integer' ? Number(value) : String(value));
}

const isObject = (value: unknown) => typeof value === 'object' || typeof value === 'number' || value === true;

/** Values that the schema refuses because of one error. A value that another alternative of a union accepts is omitted. */
function broken(schema: Schema, known: Known): Broken[] {
  const resolved = resolve(schema);
  const candidates = [...brokenByType(resolved), ...brokenParts(resolved, known)];
  return candidates.filter(([, , value]) => !isValid(schema, value));
}

function brokenByType(schema: Schema): Broken[] {
  const { maxLength, minLength, minimum, maximum, pattern, format, enum: values } = schema;
  const types = [schema.type ?? 'string'].flat();
  const wrong = Object.entries(OF_EVERY_TYPE).filter(([type]) => !types.includes(type));
  const found: Broken[] = wrong.map(([type, value]) => ['', `of type ${type}`, value]);
  const of = (how: string, value: unknown) => found.push(['', how, value]);
  if (values || schema.const !== undefined) of('none of the enum', 'none-of-these');
  if (maxLength !== undefined && maxLength <= MAX_TEXT) of('too long', 'x'.repeat(maxLength + 1));
  if (minLength !== undefined) of('too short', '');
  if (pattern) of('against its pattern', 'ftp://caf\u00e9');
  if (format) of(`no ${format}`, 'nonsense');
  if (format === 'date-time') of('a day that does not exist', '2024-02-30T00:00:00Z');
  if (minimum !== undefined) of('too small', minimum - 1);
  if (maximum !== undefined) of('too large', maximum < 2 ** 52 ? maximum + 1 : 2 ** 60);
  return found;
}

function brokenParts(schema: Schema, known: Known): Broken[] {
  const {
    items,
    minItems,
    maxItems,
    oneOf = [],
    properties = {},
    required = [],
    additionalProperties,
  } = schema;
  const found = oneOf.flatMap((branch) => broken(branch, known));
  if (items) {
    const one = fc.sample(arbitraryOf(items, known), { seed: 1, numRuns: 1 })[0];
    if (maxItems !== undefined) found.push(['', 'too many', Array(maxItems + 1).fill(one)]);
    if (minItems !== undefined) found.push(['', 'too few', []]);
    for (const [path, how, value] of broken(items, known)) found.push([`/0${path}`, how, [value]]);
  }
  const whole = Object.fromEntries(Object.keys(properties).map((name) => [name, 'text']));
  for (const name of required) found.push([`/${name}`, 'missing', { ...whole, [name]: undefined }]);
  for (const [name, field] of Object.entries(properties))
    for (const [path, how, value] of broken(field, known))
      found.push([`/${name}${path}`, how, { ...whole, [name]: value }]);
  if (typeof additionalProperties === 'object') {
    const { maxLength = 0 } = schema.propertyNames ?? {};
    found.push(['', 'a name that is too long', { ['n'.repeat(maxLength + 1)]: 'text' }]);
    const many = Array.from({ length: (schema.maxProperties ?? 0) + 1 }, (_, index) => [`n${index}`, 'text']);
    found.push(['', 'too many', Object.fromEntries(many)]);
    for (const [path, how, value] of broken(additionalProperties, known))
      found.push([`/name${path}`, how, { name: value }]);
  }
  return found;
}

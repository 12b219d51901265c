import type { RequestHandler } from 'express';
import { type Fault, InvalidRequestError } from '../../errors.ts';
import type { OpenApiDocument } from '../../openapi/document.ts';
import { stateOf } from '../request-state.ts';
import { type Operation, operationOf } from './operation.ts';

const KEYWORD = 'x-decimal-integer';
const DECIMAL = /^(?:0|[1-9]\d*)$/;

interface Bounds {
  minimum: number;
  maximum: number;
}

interface Schema {
  type?: string | string[];
  minimum?: number;
  maximum?: number;
  items?: Schema;
  default?: unknown;
}

/** The position of a value in the validated data. */
interface Position {
  parentData: Record<string | number, unknown>;
  parentDataProperty: string | number;
}
interface Check {
  (value: unknown, position: Position): boolean;
  errors?: { keyword: string; message: string; params: object }[];
}

/**
 * An ajv keyword that parses integers from text. The type coercion of ajv would accept every JavaScript number: `1e400`
 * becomes Infinity and passes every bound, and `0x1`, `01` and `1 ` become 1.
 */
export const decimalInteger = { keyword: KEYWORD, modifying: true, errors: true, compile: compileCheck };

function compileCheck({ minimum, maximum }: Bounds): Check {
  const message = `must be an integer from ${minimum} to ${maximum}, in decimal digits without a sign or leading zeros`;
  const check: Check = (value, { parentData, parentDataProperty }) => {
    // A default of the contract is a number; a client's value is text.
    const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
    if (typeof number === 'number' && number >= minimum && number <= maximum) {
      parentData[parentDataProperty] = number;
      return true;
    }
    check.errors = [{ keyword: KEYWORD, message, params: {} }];
    return false;
  };
  return check;
}

/**
 * A copy of a dereferenced document in which `decimalInteger` parses every integer parameter. Without `allowReserved`, the
 * validator would refuse characters such as `:` that a client need not encode.
 *
 * @throws {Error} for a number parameter that this function cannot convert.
 */
export function withDecimalIntegers(document: OpenApiDocument): OpenApiDocument {
  const paths = mapValues(document.paths, (operations) => {
    if ('parameters' in operations)
      throw new Error('openapi.yaml: a path must not have parameters, only its operations.');
    return mapValues(operations, (operation) => ({
      ...operation,
      ...(operation.parameters && {
        parameters: operation.parameters.map((parameter) => ({
          ...parameter,
          allowReserved: true,
          schema: decimal(parameter.schema),
        })),
      }),
    }));
  });
  return { ...document, paths };
}

/**
 * @throws {Error} for an integer without bounds or with bounds outside 0 to 2^53 - 1, and for any other schema that
 *   allows a number.
 */
function decimal(schema: Schema): object {
  if (schema.items) return { ...schema, items: decimal(schema.items) };
  if (schema.type !== 'integer') {
    if (/"(integer|number)"/.test(JSON.stringify(schema)))
      throw new Error("openapi.yaml: the type of a parameter that is a number must be 'integer' alone.");
    return schema;
  }
  const { minimum = -1, maximum = Number.POSITIVE_INFINITY, default: fallback } = schema;
  if (minimum < 0 || !Number.isSafeInteger(maximum))
    throw new Error(
      'openapi.yaml: an integer parameter needs a minimum of at least 0 and a maximum below 2^53.',
    );
  return { [KEYWORD]: { minimum, maximum }, ...(fallback !== undefined && { default: fallback }) };
}

/** Decoding changes an unencoded plus to a space, at the start of a phone number and before the offset of a time. */
const LOST_PLUS: Record<string, RegExp> = {
  address: /^ (?=\d)/,
  participant: /^ (?=\d)/,
  sender: /^ (?=\d)/,
  since: / (?=\d\d:\d\d$)/,
  until: / (?=\d\d:\d\d$)/,
};
/** Maximum characters of an unknown name in an error. */
const MAX_NAME = 100;

type Parameters = NonNullable<Operation['parameters']>;

const NO_PARAMETERS: Parameters = [];
/** The query of each operation, which every request of the operation needs. */
const queries = new WeakMap<Parameters, Query>();

interface Query {
  known: ReadonlySet<string>;
  /** The lists that may be empty. */
  emptyArrays: ReadonlySet<string>;
}

function queryOf(parameters: Parameters): Query {
  const found = queries.get(parameters);
  if (found) return found;
  const own = parameters.filter((each) => each.in === 'query');
  const empty = own.filter(({ allowEmptyValue, schema }) => allowEmptyValue && schema?.type === 'array');
  const query = {
    known: new Set(own.map(({ name }) => name)),
    emptyArrays: new Set(empty.map(({ name }) => name)),
  };
  queries.set(parameters, query);
  return query;
}

/**
 * Refuses all unknown query parameters in one error. Webhooks and the operations of `System` ignore unknown parameters,
 * because providers and probes add their own. The validator itself reports only the first unknown parameter, and decodes
 * values of names with brackets a second time, or ignores such parameters.
 */
export const checkQuery: RequestHandler = (request, _response, next) => {
  // Most requests have no query, and replacing a property of a request costs as much as its validation.
  if (!request.url.includes('?')) return next();
  const operation = operationOf(request);
  const { known, emptyArrays } = queryOf(operation?.parameters ?? NO_PARAMETERS);
  const given = Object.entries(request.query);
  const unknown = given.map(([name]) => name).filter((name) => !known.has(name));
  const isIgnored = stateOf(request).caller?.type === 'provider' || operation?.tags?.includes('System');
  if (unknown.length > 0 && !isIgnored) throw new InvalidRequestError(unknown.map(unknownParameter));
  const query = given
    .filter(([name]) => known.has(name))
    // The validator makes an array of any other single value.
    .map(([name, value]) => [name, value === '' && emptyArrays.has(name) ? [''] : value] as const)
    .map(([name, value]) => [name, restorePlus(LOST_PLUS[name], value)]);
  // `request.query` is a getter in Express and cannot be assigned.
  const value = Object.fromEntries(query);
  Object.defineProperty(request, 'query', { value, writable: true, configurable: true, enumerable: true });
  next();
};

function unknownParameter(name: string): Fault {
  const shown = name.slice(0, MAX_NAME);
  return { path: `/query/${shown}`, message: `Unknown query parameter '${shown}'` };
}

function restorePlus(lost: RegExp | undefined, value: unknown): unknown {
  if (!lost) return value;
  if (Array.isArray(value)) return value.map((item) => restorePlus(lost, item));
  return typeof value === 'string' ? value.replace(lost, '+') : value;
}

function mapValues<T, U>(values: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

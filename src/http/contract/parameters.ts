import type { Request, RequestHandler } from 'express';
import { InvalidRequestError } from '../../errors.ts';
import type { OpenApiDocument } from '../../openapi/document.ts';
import { stateOf } from '../request-state.ts';
import { operationOf } from './operation.ts';

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

/** Where ajv puts the value, and what it reads after a failure. */
interface Position {
  parentData: Record<string | number, unknown>;
  parentDataProperty: string | number;
}
interface Check {
  (value: unknown, position: Position): boolean;
  errors?: { keyword: string; message: string; params: object }[];
}

/**
 * An ajv keyword for integers that arrive as text, in place of ajv's own coercion, which reads whatever JavaScript
 * calls a number: `1e400` becomes Infinity and passes every bound, and `0x1`, `01` and `1 ` become 1.
 */
export const decimalInteger = { keyword: KEYWORD, modifying: true, errors: true, compile: compileCheck };

function compileCheck({ minimum, maximum }: Bounds): Check {
  const message = `must be an integer from ${minimum} to ${maximum}, in decimal digits without a sign or leading zeros`;
  const check: Check = (value, { parentData, parentDataProperty }) => {
    // A default of the contract is a number already; from a client everything is text.
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
 * A copy of a dereferenced document in which every integer parameter is read by `decimalInteger`.
 *
 * @throws {Error} for a number parameter that this function cannot convert.
 */
export function withDecimalIntegers(document: OpenApiDocument): OpenApiDocument {
  const paths = mapValues(document.paths, (operations) => {
    if ('parameters' in operations)
      throw new Error('openapi.yaml: parameters must be those of an operation, not of a path.');
    return mapValues(operations, (operation) => ({
      ...operation,
      ...(operation.parameters && {
        parameters: operation.parameters.map((parameter) => ({
          ...parameter,
          schema: decimal(parameter.schema),
        })),
      }),
    }));
  });
  return { ...document, paths };
}

/**
 * @throws {Error} for an integer without bounds, or with bounds that decimal digits or a number cannot express; for a
 *   schema that allows a number in any other way.
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

/**
 * Ignores the unknown query parameters of a webhook: some providers add their own, such as a hash of the body. For other
 * callers, refuses brackets in the name of a query parameter. No parameter of the contract has them, and the validator
 * would decode the value a second time, or drop the parameter without an error.
 */
export const checkQueryNames: RequestHandler = (request, _response, next) => {
  // Most requests have no query, and replacing a property of a request costs as much as validating it.
  if (!request.url.includes('?')) return next();
  if (stateOf(request).caller?.type === 'provider') ignoreUnknown(request);
  const name = Object.keys(request.query).find((each) => /[[\]]/.test(each));
  if (name === undefined) return next();
  throw new InvalidRequestError([{ path: `/query/${name}`, message: `Unknown query parameter '${name}'` }]);
};

function ignoreUnknown(request: Request): void {
  const known = operationOf(request)?.parameters?.filter((each) => each.in === 'query') ?? [];
  const query = Object.entries(request.query).filter(([name]) => known.some((each) => each.name === name));
  // Express has a getter for the query.
  const value = Object.fromEntries(query);
  Object.defineProperty(request, 'query', { value, writable: true, configurable: true, enumerable: true });
}

function mapValues<T, U>(values: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

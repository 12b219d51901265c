import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { strictContract } from '../support/strict-contract.ts';

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  oneOf?: Schema[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  propertyNames?: Schema;
  additionalProperties?: boolean | Schema;
  required?: string[];
}
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
  example?: unknown;
}
type Examples = Record<string, { value: unknown }>;
export interface Media {
  schema: Schema;
  examples?: Examples;
}
export interface Response {
  headers?: Record<string, { schema: Schema }>;
  content?: Record<string, Media>;
}
export interface Operation {
  id: string;
  method: string;
  path: string;
  tag: string;
  parameters: Parameter[];
  body: Media | null;
  responses: Record<string, Response>;
  /** The name of the security scheme; null for none. */
  security: string | null;
  /** The scope that an API key needs, where the operation accepts API keys. */
  scope: string | null;
  /** Whether the operation also accepts requests without credentials. */
  optional: boolean;
}

const document = strictContract();
function createAjv(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors });
  addFormats.default(ajv);
  return ajv.addSchema(document as object, 'contract', false, false);
}

const ajv = createAjv(true);
/** The errors of an extreme value can be millions. */
const firstError = createAjv(false);

/** The target of a reference, with the keys beside `$ref`; any other node unchanged. */
export function resolve<T extends object>(node: T & { $ref?: string }): T {
  const { $ref, ...own } = node;
  if ($ref === undefined) return node;
  const target = $ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document);
  return { ...resolve(target as T), ...own };
}

/** The schemas of a union, or the schema itself. */
export function branchesOf(schema: Schema): Schema[] {
  return resolve(schema).oneOf ?? [schema];
}

/** An operation with all references resolved, except the references in schemas. */
function operationOf(path: string, method: string, raw: Record<string, never>): Operation {
  const security = (raw.security ?? document.security ?? []) as Record<string, unknown>[];
  const body = raw.requestBody as { content: Record<string, Media> } | undefined;
  const responses = Object.entries(raw.responses as unknown as Record<string, Response>).map(
    ([status, response]) => {
      const { headers = {}, content = {} } = resolve(response);
      return [status, { headers: mapValues(headers, resolve), content: mapValues(content, media) }];
    },
  );
  return {
    id: raw.operationId ?? '',
    method: method.toUpperCase(),
    path,
    tag: raw.tags?.[0] ?? '',
    parameters: ((raw.parameters ?? []) as Parameter[]).map(resolve),
    body: body ? media(body.content['application/json'] as Media) : null,
    responses: Object.fromEntries(responses),
    security: Object.keys(security[0] ?? {})[0] ?? null,
    scope: (security[0]?.apiKey as string[] | undefined)?.[0] ?? null,
    optional: security.some((requirement) => Object.keys(requirement).length === 0),
  };
}

function media({ schema, examples = {} }: Media): Media {
  return { schema, examples: mapValues(examples, resolve) as Examples };
}

function mapValues<T, U>(values: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

/**
 * The operations whose requests the contract validates. The bodies of `receiveWebhook` are documented and read by the adapters
 * of the providers; `test/http/routes/account-webhooks.test.ts` and `test/providers` test it.
 */
export const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods)
    .filter(([, raw]) => !('x-raw-body' in (raw as object)))
    .map(([method, raw]) => operationOf(path, method, raw as never)),
);

const validators = new Map<Ajv2020, Map<Schema, ValidateFunction>>([
  [ajv, new Map()],
  [firstError, new Map()],
]);

function validatorOf(by: Ajv2020, schema: Schema): ValidateFunction {
  const known = validators.get(by) as Map<Schema, ValidateFunction>;
  const validate =
    known.get(schema) ?? by.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"contract#/')));
  known.set(schema, validate);
  return validate;
}

/** The validation errors of a value by a schema of the contract (JSON Schema 2020-12); null for a valid value. */
export function faultsBy(schema: Schema, value: unknown): string | null {
  const validate = validatorOf(ajv, schema);
  return validate(value) ? null : ajv.errorsText(validate.errors);
}

/** Whether a value is valid by a schema of the contract. */
export function isValid(schema: Schema, value: unknown): boolean {
  return validatorOf(firstError, schema)(value);
}

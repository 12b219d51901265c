import type { OpenApiDocument } from '../../openapi/document.ts';

interface ObjectSchema {
  properties?: Record<string, { enum?: unknown[] }>;
}
interface RequestBody {
  content: Record<string, { schema: { oneOf?: ObjectSchema[] } }>;
}

/**
 * A copy of a dereferenced document in which the `type` of a request selects the schema of a union, and the JSON type of a
 * value selects the schema of a nested union. With `oneOf`, a request with one error would have the errors of all schemas of
 * the union.
 *
 * @throws {Error} if a union of a request does not have exactly one schema without `type`.
 */
export function withSelectedSchemas(document: OpenApiDocument): OpenApiDocument {
  const copy = structuredClone(document);
  for (const operation of Object.values(copy.paths).flatMap((path) => Object.values(path))) {
    const { requestBody } = operation as { requestBody?: RequestBody };
    for (const media of Object.values(requestBody?.content ?? {})) {
      if (media.schema.oneOf) media.schema = selectByType(media.schema.oneOf);
      media.schema = selectByJsonType(media.schema);
    }
  }
  return copy;
}

/** Replaces each `oneOf` whose schemas have different JSON types. */
function selectByJsonType<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(selectByJsonType) as T;
  const schema = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, selectByJsonType(item)]),
  );
  const { oneOf, ...others } = schema as { oneOf?: { type?: unknown }[] };
  const types = oneOf?.map(({ type }) => type) ?? [];
  const isDistinct = types.every((type) => typeof type === 'string') && new Set(types).size === types.length;
  if (!oneOf || !isDistinct) return schema as T;
  const allOf = oneOf.map((then) => ({ if: { type: then.type }, then }));
  return { ...others, type: types, allOf } as T;
}

function selectByType(union: ObjectSchema[]): object {
  const [untyped, ...others] = union.filter(({ properties }) => !properties?.type);
  if (!untyped || others.length > 0)
    throw new Error('openapi.yaml: a union of a request needs exactly one schema without `type`.');
  const typed = union.flatMap((schema) =>
    (schema.properties?.type?.enum ?? []).map((type) => ({ type, schema })),
  );
  return {
    if: { type: 'object', required: ['type'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: { type: { enum: typed.map(({ type }) => type) } },
      allOf: typed.map(({ type, schema }) => ({
        if: { properties: { type: { const: type } } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: schema,
      })),
    },
    else: untyped,
  };
}

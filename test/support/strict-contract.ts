import { type OpenApiDocument, openApiDocument } from '../../src/openapi/document.ts';

/**
 * The contract with stricter rules for responses: no unknown fields, although clients must ignore unknown fields, and no
 * statuses that the operation does not list.
 */
export function strictContract(): OpenApiDocument {
  const document = openApiDocument();
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path)))
    delete (operation as unknown as { responses: { default?: object } }).responses.default;
  const { schemas } = document.components as unknown as { schemas: Record<string, object> };
  for (const [name, schema] of Object.entries(schemas))
    if ('properties' in schema) schemas[name] = { additionalProperties: false, ...schema };
  return document;
}

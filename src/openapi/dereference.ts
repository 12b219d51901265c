import $RefParser from '@apidevtools/json-schema-ref-parser';
import type { OpenApiDocument } from './document.ts';

/**
 * Replaces every reference by its target. `components` keeps the security schemes, which operations name without a reference.
 *
 * @throws {Error} if the target of a reference does not exist or is in another document.
 */
export async function dereference(document: OpenApiDocument): Promise<OpenApiDocument> {
  const whole = await $RefParser.dereference(structuredClone(document) as never, {
    resolve: { external: false },
  });
  const { components, ...rest } = whole as unknown as OpenApiDocument;
  return { ...rest, components: { securitySchemes: components.securitySchemes } };
}

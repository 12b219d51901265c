import $RefParser from '@apidevtools/json-schema-ref-parser';
import type { OpenApiDocument } from './document.ts';

/**
 * Replaces every reference by the object that it names; `components` keeps the security schemes, which are named only.
 *
 * @throws {Error} a reference names nothing, or another document.
 */
export async function dereference(document: OpenApiDocument): Promise<OpenApiDocument> {
  const whole = await $RefParser.dereference(structuredClone(document) as never, {
    resolve: { external: false },
  });
  const { components, ...rest } = whole as unknown as OpenApiDocument;
  return { ...rest, components: { securitySchemes: components.securitySchemes } };
}

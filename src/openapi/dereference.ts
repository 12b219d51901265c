import type { OpenApiDocument } from './document.ts';

/** A copy in which everything stands where it is referred to; `components` keeps what is referred to by name only. */
export function dereference({ components, ...rest }: OpenApiDocument): OpenApiDocument {
  const whole = { ...rest, components };
  const resolve = ($ref: string) =>
    $ref
      .slice('#/'.length)
      .split('/')
      .reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], whole);
  const copy = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(copy);
    if (typeof node !== 'object' || node === null) return node;
    const { $ref, ...own } = node as Record<string, unknown>;
    const copied = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, copy(value)]));
    return typeof $ref === 'string' ? { ...(copy(resolve($ref)) as object), ...copied } : copied;
  };
  const { securitySchemes } = components;
  return copy({ ...rest, components: { securitySchemes } }) as OpenApiDocument;
}

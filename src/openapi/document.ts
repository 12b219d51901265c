import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const source = new URL('../../openapi.yaml', import.meta.url);

interface Operation {
  operationId?: string;
  security?: Record<string, string[]>[];
  parameters?: { schema: object }[];
}

/** The parts of an OpenAPI document that this service reads. */
export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  security?: Record<string, string[]>[];
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, { type: string; in?: string; scheme?: string }> };
}

let parsed: OpenApiDocument | undefined;

/** A new copy of the contract, which the caller may change. */
export function openApiDocument(): OpenApiDocument {
  parsed ??= parse(readFileSync(source, 'utf8')) as OpenApiDocument;
  return structuredClone(parsed);
}

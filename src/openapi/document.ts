import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const source = new URL('../../openapi.yaml', import.meta.url);

interface Operation {
  operationId?: string;
  security?: Record<string, string[]>[];
  parameters?: { schema: object }[];
}

/** The parts of an OpenAPI document that this service itself looks at. */
export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  security?: Record<string, string[]>[];
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, object> };
}

/** The contract as it stands in openapi.yaml. */
export const openApiYaml: string = readFileSync(source, 'utf8');

let parsed: OpenApiDocument | undefined;

/** A fresh copy of the contract, free to be changed by the caller. */
export function openApiDocument(): OpenApiDocument {
  parsed ??= parse(openApiYaml) as OpenApiDocument;
  return structuredClone(parsed);
}

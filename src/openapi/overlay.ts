import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { OpenApiDocument } from './document.ts';

/** An OpenAPI Overlay (version 1.0.0). This service supports actions that update one operation. */
interface Overlay {
  actions: { target: string; update: object }[];
}

const folder = new URL('../../docs/samples/', import.meta.url);
const OPERATION = /^\$\.paths\['([^']+)'\]\.(\w+)$/;

/** Adds the samples of `docs/samples` to a document. @throws {Error} if a sample is for an unknown operation. */
export function addSamples(document: OpenApiDocument): OpenApiDocument {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  for (const name of names.sort())
    applyOverlay(document, parse(readFileSync(new URL(name, folder), 'utf8')) as Overlay);
  return document;
}

function applyOverlay({ paths }: OpenApiDocument, { actions }: Overlay): void {
  for (const { target, update } of actions) {
    const [, path = '', method = ''] = OPERATION.exec(target) ?? [];
    const operation = paths[path]?.[method];
    if (!operation) throw new Error(`docs/samples: there is no operation ${target}`);
    Object.assign(operation, update);
  }
}

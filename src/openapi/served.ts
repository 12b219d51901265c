import { stringify } from 'yaml';
import { openApiDocument } from './document.ts';
import { addSamples } from './overlay.ts';

/** The URL of the contract's `servers` and samples. */
const WRITTEN_URL = 'http://127.0.0.1:8080';

/** The contract with its samples, as JSON and as YAML, with the URL of the request as the URL of the service. */
export function servedDocument(): { json(url: string | null): string; yaml(url: string | null): string } {
  const document = addSamples(openApiDocument());
  const texts = { json: JSON.stringify(document), yaml: stringify(document, { lineWidth: 0 }) };
  const at = (text: string, url: string | null) => text.replaceAll(WRITTEN_URL, url ?? WRITTEN_URL);
  return { json: (url) => at(texts.json, url), yaml: (url) => at(texts.yaml, url) };
}

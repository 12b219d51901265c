import { stringify } from 'yaml';
import { openApiDocument } from './document.ts';
import { addSamples } from './overlay.ts';

/** The URL of the contract's `servers` and samples. */
const WRITTEN_URL = 'http://127.0.0.1:8080';

type Text = (url: string | null) => string;

/** The contract with its samples, as JSON and as YAML, with the URL of the request as the URL of the service. */
export function servedDocument(): { json: Text; yaml: Text } {
  return { json: (url) => at(jsonText(), url), yaml: (url) => at(yamlText(), url) };
}

// Made at the first request, because the YAML takes a tenth of a second.
const jsonText = once(() => JSON.stringify(addSamples(openApiDocument())));
const yamlText = once(() => stringify(addSamples(openApiDocument()), { lineWidth: 0 }));

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function at(text: string, url: string | null): string {
  return text.replaceAll(WRITTEN_URL, url ?? WRITTEN_URL);
}

import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { parse } from 'yaml';
import * as sdk from '../../../sdk/src/index.ts';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

interface Row {
  resource: string;
  method: string;
  signature: string;
  /** Empty for a method without an operation of its own. */
  operation: string;
}

const text = await readFile('sdk/api.md', 'utf8');

/** The methods of api.md. */
const rows: Row[] = [
  ...text.matchAll(/^\| `client\.(\w+)\.((\w+)(?:<[^(]*>)?\(.*)` \| (?:`(.+)`|.+) \|$/gm),
].map(([, resource = '', signature = '', method = '', operation = '']) => ({
  resource,
  method,
  // Markdown ends a cell at a bar without a backslash.
  signature: signature.replaceAll('\\|', '|'),
  operation,
}));

/** The operations of api.md without a method. */
const others = [...text.matchAll(/^\| `([A-Z]+ \/\S*)` \|/gm)].map(([, operation = '']) => operation);

/** The methods that the source of each resource declares, as `resource.signature`. */
async function declaredSignatures(): Promise<string[]> {
  const folder = 'sdk/src/resources';
  const found: string[] = [];
  for (const file of await readdir(folder)) {
    const source = await readFile(`${folder}/${file}`, 'utf8');
    for (const [, name = '', body = ''] of source.matchAll(/^export interface (\w+)[^{]*\{\n(.*?)^\}/gms))
      for (const [, signature] of inOneLine(body).matchAll(/^ {2}(\w+(?:<[^(]*>)?\(.*\): .*);$/gm))
        found.push(`${name.replace('WithWait', '').toLowerCase()}.${signature}`);
  }
  return found;
}

/** A formatter puts long parameters on lines of their own. */
function inOneLine(source: string): string {
  return source.replace(
    /\(\n +([^()]*?),\n +\)/g,
    (_, parameters) => `(${parameters.replace(/\n +/g, ' ')})`,
  );
}

/** The operation that a method calls, with 1, 2 for its ids, and 1 for an address. */
async function calledOperation({ resource, method, signature }: Row): Promise<string> {
  let called = '';
  const client = sdk.createClient({
    baseUrl: 'https://messaging.example.com',
    fetch: async ({ method, url }) => {
      called = `${method} ${new URL(url).pathname}`;
      return Response.json({ data: [], next_cursor: null });
    },
  });
  const call = (client as unknown as Record<string, Record<string, (...given: unknown[]) => unknown>>)[
    resource
  ]?.[method];
  const ids = signature.match(/\b(\w*id: number|address: string)/gi) ?? [];
  const result = await call?.(...ids.map((_, index) => index + 1), {});
  if (!called) await (result as AsyncIterator<unknown>).next().catch(() => undefined);
  return called;
}

describe('api.md of the SDK', () => {
  it('lists every method of the client', () => {
    const { raw: _, ...resources } = sdk.createClient({ baseUrl: 'https://messaging.example.com' });
    const exported = Object.entries(resources).flatMap(([resource, methods]) =>
      Object.keys(methods).map((method) => `${resource}.${method}`),
    );
    expect(rows.map(({ resource, method }) => `${resource}.${method}`)).to.have.members(exported);
  });

  it('has the signatures of the source', async () => {
    const listed = rows.map(({ resource, signature }) => `${resource}.${signature}`);
    expect(listed).to.have.members(await declaredSignatures());
  });

  it('has the operation that each method calls', async () => {
    for (const row of rows.filter(({ operation }) => operation)) {
      let id = 0;
      const expected = row.operation.replaceAll(/\{\w+\}/g, () => `${++id}`);
      expect(await calledOperation(row), row.signature).to.equal(expected);
    }
  });

  it('lists every operation of openapi.yaml once', async () => {
    const { paths } = parse(await readFile('openapi.yaml', 'utf8'));
    const operations = Object.entries<object>(paths).flatMap(([path, item]) =>
      METHODS.filter((method) => method in item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const called = rows.flatMap(({ operation }) => operation || []);
    expect([...called, ...others]).to.have.members(operations);
  });

  it('names every export, also of types', async () => {
    const index = await readFile('sdk/src/index.ts', 'utf8');
    const types = await readFile('sdk/src/types.ts', 'utf8');
    const names = [
      ...Object.keys(sdk),
      ...[...index.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) => list.match(/\b[A-Z]\w+/g) ?? []),
      ...[...types.matchAll(/^export type (\w+)/gm)].map(([, name = '']) => name),
    ];
    const missing = names.filter((name) => !new RegExp(`\`${name}\\b`).test(text));
    expect(missing).to.deep.equal([]);
  });
});

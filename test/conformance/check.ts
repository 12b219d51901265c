import { expect } from 'chai';
import { faultsBy, type Operation } from './contract.ts';
import type { Answer } from './request.ts';

/** Headers of HTTP itself and security headers, which no operation needs to describe. */
const OF_HTTP = new Set([
  'allow',
  'cache-control',
  'connection',
  'content-length',
  'content-security-policy',
  'content-type',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'date',
  'keep-alive',
  'origin-agent-cluster',
  'referrer-policy',
  'strict-transport-security',
  'transfer-encoding',
  'x-accel-buffering',
  'x-content-type-options',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
]);

/** Fails if the contract does not describe the status, a header, the content type or the body of this response. */
export function check({ id, responses }: Operation, { status, headers, text }: Answer, what: unknown): void {
  const of = `${id}: ${status} to ${JSON.stringify(what)?.slice(0, 2_000)}: ${text.slice(0, 1_000)}`;
  const described = responses[status];
  if (!described) throw new Error(`A status that the contract does not have: ${of}`);
  const known = Object.entries(described.headers ?? {}).map(([name, { schema }]) => ({
    name: name.toLowerCase(),
    schema,
  }));
  for (const name of Object.keys(headers))
    if (!OF_HTTP.has(name) && !known.some((header) => header.name === name))
      throw new Error(`A header that the contract does not have, ${name}: ${of}`);
  for (const { name, schema } of known) {
    const value = headers[name];
    if (value !== undefined)
      expect(faultsBy(schema, schema.type === 'integer' ? Number(value) : value), `${name}: ${of}`).to.equal(
        null,
      );
  }
  expect(headers['x-request-id'], of).to.be.a('string');
  checkBody(described.content ?? {}, headers['content-type'], status, text, of);
}

function checkBody(
  content: NonNullable<Operation['responses'][string]['content']>,
  contentType: string | string[] | undefined,
  status: number,
  text: string,
  of: string,
): void {
  if (Object.keys(content).length === 0) {
    expect(text, of).to.equal('');
    return;
  }
  const type = String(contentType).split(';')[0] ?? '';
  const media = content[type] ?? content['*/*'];
  if (!media) throw new Error(`A content type that the contract does not have, ${type}: ${of}`);
  const body = /[/+]json$/.test(type) ? JSON.parse(text) : text;
  expect(faultsBy(media.schema, body), of).to.equal(null);
  if (status >= 400) expect(body.status, of).to.equal(status);
}

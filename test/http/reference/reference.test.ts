import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { request } from 'undici';
import { parse } from 'yaml';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('The reference page and the home page', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ API_KEYS: 'first:correct-horse-battery' });
  });
  after(() => service.stop());

  const get = (path: string, headers: Record<string, string> = {}) =>
    service.request('GET', path, undefined, headers);
  const loadedBy = (html: string) =>
    [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);

  it('load only files of the service, for every caller', async () => {
    const pages = [(await get('/docs')).body, (await get('/', { accept: 'text/html' })).body];
    const paths = pages.flatMap(loadedBy);
    expect(paths).to.include.members(['/docs/swagger-ui-bundle.js', '/docs/reference.js', '/openapi.yaml']);
    // The home page has a link to the metrics, which need credentials.
    for (const path of paths)
      expect((await get(path)).status, path).to.equal(path === '/metrics' ? 401 : 200);
  });

  it('have the media types of their files, and a content security policy for these files only', async () => {
    for (const [path, type] of [
      ['/docs', 'text/html; charset=utf-8'],
      ['/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
      ['/docs/swagger-ui.css', 'text/css; charset=utf-8'],
      ['/docs/icon.svg', 'image/svg+xml'],
      ['/README.md', 'text/plain; charset=utf-8'],
    ] as const)
      expect((await get(path)).headers.get('content-type'), path).to.equal(type);
    const policy = (await get('/docs')).headers.get('content-security-policy') ?? '';
    expect(policy).to.contain("default-src 'none'").and.to.contain("script-src 'self';");
    expect(policy).not.to.match(/https?:|unsafe-eval/);
  });

  it('are answered with 304 if they have not changed', async () => {
    for (const path of ['/docs', '/docs/swagger-ui-bundle.js']) {
      const first = await get(path);
      expect(first.headers.get('cache-control')).to.equal('no-cache');
      const tag = first.headers.get('etag') ?? '';
      // `fetch` would add `Cache-Control: no-cache` to a request with `If-None-Match`.
      const again = await request(service.url + path, { headers: { 'if-none-match': tag } });
      expect([again.statusCode, await again.body.text(), again.headers.etag], path).to.deep.equal([
        304,
        '',
        tag,
      ]);
      const other = await request(service.url + path, { headers: { 'if-none-match': '"another"' } });
      expect([other.statusCode, (await other.body.text()).length > 0], path).to.deep.equal([200, true]);
    }
  });

  it('include the README and the documents of docs/ as they are in the repository', async () => {
    const readme = readFileSync('README.md', 'utf8');
    expect((await get('/README.md')).body).to.equal(readme);
    const links = [...readme.matchAll(/\]\((docs\/(?:providers\/)?[^/)#]+\.md)/g)].map(
      ([, path = '']) => path,
    );
    expect(links).to.include('docs/operations.md');
    for (const path of links) expect((await get(`/${path}`)).status, path).to.equal(200);
    expect(links).to.include('docs/providers/twilio.md');
    const documents = [
      ...readdirSync('docs'),
      ...readdirSync('docs/providers').map((name) => `providers/${name}`),
    ].filter((name) => name.endsWith('.md'));
    expect(documents).to.include('operations.md');
    expect((await get('/docs/providers/other.md')).status).to.equal(404);
    for (const name of documents)
      expect((await get(`/docs/${name}`)).body, name).to.equal(readFileSync(`docs/${name}`, 'utf8'));
  });

  it('have the same links as JSON and as HTML', async () => {
    const { headers, body } = await get('/', { accept: 'application/json' });
    expect(headers.get('vary')).to.equal('Accept');
    expect((await get('/')).body).to.deep.equal(body);
    const html = loadedBy((await get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })).body);
    expect(html).to.include.members(Object.values(body.links));
    expect(body.version).to.equal(parse(readFileSync('openapi.yaml', 'utf8')).info.version);
  });

  it('are not in the contract, and allow GET and HEAD only', async () => {
    const { paths } = (await get('/openapi.json')).body;
    for (const path of ['/', '/docs', '/docs/icon.svg', '/README.md']) {
      expect(paths).not.to.have.property(path);
      expect((await request(service.url + path, { method: 'HEAD' })).statusCode, path).to.equal(200);
      const { status, headers, body } = await service.request('POST', path);
      expect([status, headers.get('allow'), body.code], path).to.deep.equal([
        405,
        'GET, HEAD',
        'method_not_allowed',
      ]);
    }
  });

  it('do not serve other files', async () => {
    for (const name of [
      'reference.ts',
      '..%2Fapp.ts',
      '%2e%2e%2f%2e%2e%2fpackage.json',
      'package.json',
      'page.html',
    ])
      expect((await get(`/docs/${name}`)).status, name).to.equal(404);
  });
});

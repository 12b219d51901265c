import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type RequestHandler, type Response, Router } from 'express';
import { NotFoundError } from '../../errors.ts';
import type { OpenApiDocument } from '../../openapi/document.ts';
import { KINDS } from '../../providers/registry.ts';
import { notAllowed } from '../contract/validator.ts';

interface Asset {
  folder: string;
  type: string;
}

const require = createRequire(import.meta.url);
const swaggerUi = require.resolve('swagger-ui-dist/package.json');
const OURS = import.meta.dirname;
const SWAGGER_UI = dirname(swaggerUi);
const PROJECT = join(import.meta.dirname, '../../..');
const HTML = 'text/html; charset=utf-8';
const TEXT = 'text/plain; charset=utf-8';
const README: Asset = { folder: PROJECT, type: TEXT };
const DOCUMENT: Asset = { folder: join(PROJECT, 'docs'), type: TEXT };

/** The files that the pages load, and the documents of the project. No other file is served. */
const ASSETS = new Map<string, Asset>([
  ['swagger-ui-bundle.js', { folder: SWAGGER_UI, type: 'text/javascript; charset=utf-8' }],
  ['swagger-ui.css', { folder: SWAGGER_UI, type: 'text/css; charset=utf-8' }],
  ['reference.js', { folder: OURS, type: 'text/javascript; charset=utf-8' }],
  ['reference.css', { folder: OURS, type: 'text/css; charset=utf-8' }],
  ['icon.svg', { folder: OURS, type: 'image/svg+xml' }],
  ['architecture.md', DOCUMENT],
  ['consent.md', DOCUMENT],
  ['email.md', DOCUMENT],
  ['inbound-email.md', DOCUMENT],
  ['events.md', DOCUMENT],
  ['media.md', DOCUMENT],
  ['operations.md', DOCUMENT],
  ['privacy.md', DOCUMENT],
  ['security.md', DOCUMENT],
  ['simulator.md', DOCUMENT],
  ['states.md', DOCUMENT],
  ['webhooks.md', DOCUMENT],
]);

const PROVIDERS: Asset = { folder: join(PROJECT, 'docs/providers'), type: TEXT };
const PROVIDER_DOCUMENTS = new Set(['adding-one.md', ...KINDS.map(({ config }) => `${config.name}.md`)]);

/** Swagger UI uses inline styles and `data:` images. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const VERSION: string = require(swaggerUi).version;

/** The home page and the reference page of a contract, with their files. These routes are not in the contract and need no credentials. */
export function referenceRoutes({ info }: Pick<OpenApiDocument, 'info'>): Router {
  const home = {
    name: info.title,
    version: info.version,
    links: { reference: '/docs', readme: '/README.md', yaml: '/openapi.yaml', json: '/openapi.json' },
  };
  const router = Router();
  const serve = (path: string, handler: RequestHandler) => router.route(path).get(handler).all(refuseMethod);
  serve('/', (request, response) => {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) !== 'html') response.json(home);
    else sendPage(response, 'home.html');
  });
  serve('/docs', async (_request, response) => {
    response.set(await cached(OURS, 'page.html'));
    sendPage(response, 'page.html');
  });
  serve('/docs/:asset', async (request, response) => {
    const name = String(request.params.asset);
    const asset = ASSETS.get(name);
    if (!asset) throw new NotFoundError(`asset ${name}`);
    await sendAsset(response, asset, name);
  });
  serve('/docs/providers/:document', async (request, response) => {
    const name = String(request.params.document);
    if (!PROVIDER_DOCUMENTS.has(name)) throw new NotFoundError(`document ${name}`);
    await sendAsset(response, PROVIDERS, name);
  });
  // At this path, the relative links to docs/ lead to the documents above.
  serve('/README.md', (_request, response) => sendAsset(response, README, 'README.md'));
  return router;
}

const refuseMethod: RequestHandler = (request) => {
  throw notAllowed(request.method, request.path, ['get', 'head']);
};

function sendPage(response: Response, name: string): void {
  response.type(HTML).set('content-security-policy', CONTENT_SECURITY_POLICY);
  sendFile(response, OURS, name);
}

async function sendAsset(response: Response, { folder, type }: Asset, name: string): Promise<void> {
  response.set(await cached(folder, name)).type(type);
  sendFile(response, folder, name);
}

function sendFile(response: Response, root: string, name: string): void {
  response.sendFile(name, { root, acceptRanges: false, cacheControl: false, lastModified: false });
}

/**
 * Headers that make browsers revalidate a file on each use, so that all parts of a page have the same version. The ETag
 * includes the version of Swagger UI, because all files of an npm package have the same date.
 */
async function cached(folder: string, name: string): Promise<Record<string, string>> {
  const { size, mtimeMs } = await stat(join(folder, name)).catch((cause) => {
    throw cause.code === 'ENOENT' ? new NotFoundError(`asset ${name}`) : cause;
  });
  const tag = [VERSION, size.toString(36), Math.floor(mtimeMs).toString(36)].join('-');
  return { 'cache-control': 'no-cache', etag: `"${tag}"` };
}

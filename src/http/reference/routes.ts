import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Negotiator from 'negotiator';
import { NotFoundError } from '../../errors.ts';
import { openApiDocument } from '../../openapi/document.ts';
import { FileBody } from '../../openapi/file-body.ts';
import type { Handlers } from '../auth/caller.ts';

type Operations = 'getHome' | 'getReference' | 'getReferenceAsset';

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
const DOCUMENT: Asset = { folder: join(PROJECT, 'docs'), type: TEXT };

/** The files that the pages load, and the documents of the project. No other file is served. */
const ASSETS = new Map<string, Asset>([
  ['swagger-ui-bundle.js', { folder: SWAGGER_UI, type: 'text/javascript; charset=utf-8' }],
  ['swagger-ui.css', { folder: SWAGGER_UI, type: 'text/css; charset=utf-8' }],
  ['reference.js', { folder: OURS, type: 'text/javascript; charset=utf-8' }],
  ['reference.css', { folder: OURS, type: 'text/css; charset=utf-8' }],
  ['icon.svg', { folder: OURS, type: 'image/svg+xml' }],
  ['README.md', { folder: PROJECT, type: TEXT }],
  ['architecture.md', DOCUMENT],
  ['operations.md', DOCUMENT],
  ['security.md', DOCUMENT],
  ['simulator.md', DOCUMENT],
]);

/** Swagger UI sets inline styles, and its arrows are `data:` images. */
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

/** The home page and the reference page with their assets. */
export function referenceHandlers(): Pick<Handlers, Operations> {
  const { info } = openApiDocument();
  const home = {
    name: info.title,
    version: info.version,
    links: { reference: '/docs', readme: '/docs/README.md', yaml: '/openapi.yaml', json: '/openapi.json' },
  };
  return {
    getHome: async ({ headers }) => {
      const accepted = new Negotiator({ headers: { ...headers } });
      const vary = { vary: 'Accept' };
      if (accepted.mediaType(['application/json', 'text/html']) !== 'text/html')
        return { status: 200, headers: vary, body: home };
      return { status: 200, ...page('home.html', vary) };
    },
    getReference: async () => ({ status: 200, ...page('page.html', await cached(OURS, 'page.html')) }),
    getReferenceAsset: async ({ params: { asset } }) => {
      const found = ASSETS.get(asset);
      if (!found) throw new NotFoundError(`asset ${asset}`);
      const headers = { 'content-type': found.type, ...(await cached(found.folder, asset)) };
      return { status: 200, headers, body: new FileBody(found.folder, asset) };
    },
  };
}

function page(name: string, headers: Record<string, string>) {
  const security = { 'content-security-policy': CONTENT_SECURITY_POLICY };
  return { headers: { 'content-type': HTML, ...security, ...headers }, body: new FileBody(OURS, name) };
}

/**
 * Headers that make browsers revalidate a file on each use, so that all parts of a page have the same version. The tag
 * includes the version of Swagger UI, because the files of a package have no date of their own.
 */
async function cached(folder: string, name: string): Promise<Record<string, string>> {
  const { size, mtimeMs } = await stat(join(folder, name)).catch((cause) => {
    throw cause.code === 'ENOENT' ? new NotFoundError(`asset ${name}`) : cause;
  });
  const tag = [VERSION, size.toString(36), Math.floor(mtimeMs).toString(36)].join('-');
  return { 'cache-control': 'no-cache', etag: `"${tag}"` };
}

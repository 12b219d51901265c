import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Maximum size in bytes, minified and gzipped, with all exports and openapi-fetch. */
const LIMIT = 6_000;

/** The size of the bundle that a bundler makes. */
async function sizeOf(external: string[]): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('dist/index.js', import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external,
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

const [whole, own] = await Promise.all([sizeOf([]), sizeOf(['openapi-fetch'])]);
process.stdout.write(
  `SDK: ${whole} bytes minified and gzipped (at most ${LIMIT}), ${own} without openapi-fetch\n`,
);
if (whole > LIMIT) process.exitCode = 1;

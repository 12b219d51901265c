import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Programs and the maximum size in bytes of their bundles, minified and gzipped, with openapi-fetch. */
const LIMITS: [title: string, program: string, limit: number][] = [
  ['everything', "export * from './index.js';", 8_500],
  ['a client with messages only', "export { createPartialClient, messages } from './index.js';", 6_000],
];

/** The size of the bundle that a bundler makes. */
async function sizeOf(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('dist', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

for (const [title, program, limit] of LIMITS) {
  const size = await sizeOf(program);
  process.stdout.write(`SDK, ${title}: ${size} bytes minified and gzipped (at most ${limit})\n`);
  if (size > limit) process.exitCode = 1;
}

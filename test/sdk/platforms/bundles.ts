import { join } from 'node:path';
import { expect } from 'chai';
import { build } from 'esbuild';
import { findChromium, launchChromium } from '../../browser/chromium.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type FaultyProxy, startProxy } from '../../support/proxy.ts';
import type { SdkProject } from '../../support/sdk-project.ts';
import { until } from '../../support/until.ts';
import { API_KEY, addFaults, expectEveryKind, program } from '../package/every-kind.ts';

/** Globals of Node.js that browsers and workers do not have. Its own fetch needs them, so they are hidden from the bundle only. */
const HIDDEN = Object.fromEntries(
  ['Buffer', 'setImmediate', 'clearImmediate', 'require', 'module'].map((name) => [name, 'undefined']),
);
/** Further globals of Node.js. The first fetch loads modules that need them. */
const REMOVAL = "await fetch('data:,'); delete globalThis.process; delete globalThis.global;\n";
const CHROMIUM = findChromium();

/** Tests that a browser bundle of a program with the package works. */
export function bundles(installed: () => SdkProject): void {
  describe('runs as a browser bundle', () => {
    let service: Harness;
    let proxy: FaultyProxy;
    let bundle: string;
    beforeEach(async () => {
      service = await startHarness({ API_KEYS: `bundles:${API_KEY}` });
      proxy = await startProxy(service.url);
      bundle = await bundleOf(installed(), { baseUrl: proxy.url, apiKey: API_KEY });
      addFaults(proxy);
    });
    afterEach(async () => {
      await proxy.stop();
      await service.stop();
    });

    it('without the globals of Node.js', async () => {
      await installed().write('bundle.js', REMOVAL + bundle);
      const { code, stdout, stderr } = await installed().run('bundle.js');
      expect(code, stderr).to.equal(0);
      expectEveryKind(stdout, 'no runtime', proxy);
    });

    it(`in Chromium${CHROMIUM ? '' : ' (not installed; Debian: apt-get install chromium)'}`, async function () {
      if (!CHROMIUM) return this.skip();
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        const lines: string[] = [];
        page.on('console', (message) => {
          if (message.type() === 'log') lines.push(message.text());
        });
        page.on('pageerror', (error) => lines.push(`${error}`, 'end'));
        // The page has the origin of the service.
        await page.route(`${proxy.url}/page`, (route) =>
          route.fulfill({ contentType: 'text/html', body: `<script type="module">${bundle}</script>` }),
        );
        await page.goto(`${proxy.url}/page`);
        await until(() => lines.at(-1) === 'end', 'the program in the page ends');
        expectEveryKind(`${lines.join('\n')}\n`, 'no runtime', proxy);
      } finally {
        await browser.close();
      }
    });
  });
}

async function bundleOf(project: SdkProject, options: object): Promise<string> {
  await project.write('bundled.js', program(JSON.stringify(options)));
  const { outputFiles } = await build({
    entryPoints: [join(project.directory, 'bundled.js')],
    bundle: true,
    minify: true,
    keepNames: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    define: HIDDEN,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

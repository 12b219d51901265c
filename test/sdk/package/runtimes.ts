import { expect } from 'chai';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type FaultyProxy, startProxy } from '../../support/proxy.ts';
import type { Runtime } from '../../support/runtimes.ts';
import type { SdkProject } from '../../support/sdk-project.ts';
import { API_KEY, addFaults, expectEveryKind, program } from './every-kind.ts';

/** The platform of CI, where all versions are available. */
const REQUIRED = process.env.CI !== undefined && `${process.platform}-${process.arch}` === 'linux-x64';
const NO_ENVIRONMENT = ' without access to the environment';

/** Tests that the installed package works on each of the runtimes. */
export function runtimes(installed: () => SdkProject, all: Runtime[]): void {
  describe('runs on', () => {
    let service: Harness;
    let proxy: FaultyProxy;
    beforeEach(async () => {
      service = await startHarness({ API_KEYS: `runtimes:${API_KEY}` });
      proxy = await startProxy(service.url);
    });
    afterEach(async () => {
      await proxy.stop();
      await service.stop();
    });

    for (const runtime of all) {
      const { title, command } = runtime;
      it(`${title}${runtime.installed ? '' : ` (not installed: make test-sdk installs it if possible)`}`, async function () {
        if (!runtime.installed && !REQUIRED) return this.skip();
        const project = installed();
        const options = { baseUrl: proxy.url, apiKey: API_KEY };
        const isolated = title.endsWith(NO_ENVIRONMENT);
        await project.write('runtime.js', program(isolated ? JSON.stringify(options) : '{}'));
        addFaults(proxy);
        const environment = { MESSAGING_BASE_URL: proxy.url, MESSAGING_API_KEY: API_KEY };
        const { code, stdout, stderr } = await project.run('runtime.js', command, environment);
        expect(code, stderr).to.equal(0);
        expect(stderr).to.equal('');
        expectEveryKind(stdout, title.replace(NO_ENVIRONMENT, ''), proxy);
      });
    }
  });
}

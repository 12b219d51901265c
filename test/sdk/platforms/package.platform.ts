import { findPlatforms, findRuntimes } from '../../support/runtimes.ts';
import { createSdkProject, type SdkProject } from '../../support/sdk-project.ts';
import { runtimes } from '../package/runtimes.ts';
import { bundles } from './bundles.ts';

const ALL = [...(await findRuntimes()), ...(await findPlatforms())];

describe('The SDK package, installed in an empty project', function () {
  this.timeout(180_000);
  let project: SdkProject;
  before(async () => {
    project = await createSdkProject();
  });
  after(() => project?.remove());

  const installed = () => project;
  runtimes(installed, ALL, 'make test-sdk');
  bundles(installed);
});

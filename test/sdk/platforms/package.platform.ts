import { findPlatforms, findRuntimes } from '../../support/runtimes.ts';
import { createSdkProject, type SdkProject } from '../../support/sdk-project.ts';
import { chat } from '../package/chat.ts';
import { programs } from '../package/programs.ts';
import { readme } from '../package/readme.ts';
import { receivers } from '../package/receivers.ts';
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
  programs(installed);
  readme(installed);
  runtimes(installed, ALL);
  bundles(installed);
  chat(installed);
  receivers(installed);
});

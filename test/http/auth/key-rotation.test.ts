import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const [old, young] = ['acme:the-old-key-of-acme', 'acme-2:the-new-key-of-acme'];

describe('API keys in a file', () => {
  let directory: string;
  let file: string;
  let service: Harness;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-keys-'));
    file = join(directory, 'keys');
    await writeFile(file, `# Those of our customers\n${old}\n`);
    service = await startHarness({ API_KEYS_FILE: file });
  });
  after(async () => {
    await service.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const statusWith = async (entry: string) =>
    (
      await service.request('GET', '/api/conversations', undefined, {
        authorization: `Bearer ${entry.split(':')[1]}`,
      })
    ).status;
  const untilStatuses = (ofOld: number, ofYoung: number) =>
    until(
      async () => (await statusWith(old)) === ofOld && (await statusWith(young)) === ofYoung,
      `the old key is answered ${ofOld} and the new one ${ofYoung}`,
    );
  const replace = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };

  it('are rotated while the service runs, with a time in which both keys are valid', async () => {
    await untilStatuses(200, 401);
    await replace(`${old}\n${young}\n`);
    await untilStatuses(200, 200);
    await replace(`${young}\n`);
    await untilStatuses(401, 200);
  });
});

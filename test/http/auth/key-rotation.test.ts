import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const OLD = 'acme:the-old-key-of-acme';
const NEW = 'acme-2:the-new-key-of-acme';

describe('API keys in a file', () => {
  let directory: string;
  let file: string;
  let service: Harness;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-keys-'));
    file = join(directory, 'keys');
    await writeFile(file, `# The keys of the customers\n${OLD}\n`);
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
  const untilStatuses = (oldStatus: number, newStatus: number) =>
    until(
      async () => (await statusWith(OLD)) === oldStatus && (await statusWith(NEW)) === newStatus,
      `requests with the old key get ${oldStatus}, and requests with the new key get ${newStatus}`,
    );
  const replace = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };

  it('can be rotated without a restart: both keys are valid while the file has both', async () => {
    await untilStatuses(200, 401);
    await replace(`${OLD}\n${NEW}\n`);
    await untilStatuses(200, 200);
    await replace(`${NEW}\n`);
    await untilStatuses(401, 200);
  });
});

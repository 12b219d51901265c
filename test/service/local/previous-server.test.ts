import { spawnSync } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MODULE = fileURLToPath(new URL('../../../src/service/local/embedded-previous.ts', import.meta.url));
const NOBODY = 65_534;

describe('The lock file of the embedded PostgreSQL', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-previous-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  for (const [title, pid] of [
    ['of another user', 1],
    ['that has ended', 2 ** 22 + 1],
  ] as const)
    it(`does not delay the start of an unprivileged service if it names a process ${title}`, async () => {
      await writeFile(join(directory, 'postmaster.pid'), [pid, directory, 0, 1].join('\n'));
      const { stdout, stderr, status } = await endPreviousServer(directory);
      expect({ stdout, stderr, status }).to.deep.equal({ stdout: '', stderr: '', status: 0 });
    });
});

/** Calls `endPreviousServer` as an unprivileged user and prints its steps. */
async function endPreviousServer(directory: string) {
  const account = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (account.uid !== undefined) await chown(directory, account.uid, account.gid);
  const script = `
    import { endPreviousServer } from ${JSON.stringify(MODULE)};
    await endPreviousServer({ directory: ${JSON.stringify(directory)} }, (step) => console.log(step));`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    ...account,
    // Otherwise Node.js passes its own value on, and this user cannot write to that directory.
    env: { NODE_V8_COVERAGE: '' },
    cwd: '/',
    encoding: 'utf8',
  });
}

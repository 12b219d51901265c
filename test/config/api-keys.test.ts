import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ApiKey, watchApiKeys } from '../../src/config/api-keys.ts';
import { until } from '../support/until.ts';

describe('Watching the file of API keys', () => {
  const first = [{ name: 'first', key: 'long-enough-1' }];
  const second = [{ name: 'second', key: 'long-enough-2' }];
  let directory: string;
  let file: string;
  let stop: () => void;
  let changes: ApiKey[][];
  let faults: unknown[];

  const replace = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  const watch = (keys: ApiKey[]) => {
    [changes, faults] = [[], []];
    stop = watchApiKeys(file, {
      keys,
      onChange: (found) => void changes.push(found),
      onFault: (error) => void faults.push(error),
    });
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-keys-'));
    file = join(directory, 'keys');
    await replace('first:long-enough-1');
  });
  afterEach(async () => {
    stop();
    await rm(directory, { recursive: true });
  });

  it('reads the file again after it was replaced', async () => {
    watch(first);
    await replace('second:long-enough-2');
    await until(() => changes.length > 0, 'the new keys are reported');
    expect([changes, faults]).to.deep.equal([[second], []]);
  });

  it('reads the file at once, because the file may have changed since the current keys were read', async () => {
    watch(second);
    await until(() => changes.length > 0, 'the new keys are reported');
    expect(changes).to.deep.equal([first]);
  });

  for (const [title, invalidate] of [
    ['has an invalid key', () => replace('second:long-enough-2\nthird:short')],
    ['is empty', () => replace('')],
    ['does not exist', () => rm(file)],
  ] as const) {
    it(`keeps the current keys while the file ${title}`, async () => {
      watch(first);
      await invalidate();
      await until(() => faults.length > 0, 'the fault is reported');
      expect(changes).to.deep.equal([]);
      expect(String(faults[0])).not.to.contain('third:short');
      await replace('second:long-enough-2');
      await until(() => changes.length > 0, 'the new keys are reported');
      expect(changes).to.deep.equal([second]);
    });
  }

  it('reports the keys when an invalid file becomes valid with the same keys as before', async () => {
    watch(first);
    await replace('first:short');
    await until(() => faults.length > 0, 'the fault is reported');
    await replace('first:long-enough-1');
    await until(() => changes.length > 0, 'the keys are reported');
    expect(changes).to.deep.equal([first]);
  });

  it('ends when the watch is stopped', async () => {
    watch(first);
    const otherWatch = new Promise<void>((resolve) => {
      const stopOther = watchApiKeys(file, {
        keys: first,
        onChange: () => {
          stopOther();
          resolve();
        },
        onFault: () => undefined,
      });
    });
    stop();
    await replace('second:long-enough-2');
    await otherWatch;
    expect(changes).to.deep.equal([]);
  });
});

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ApiKey, watchApiKeys } from '../../src/config/api-keys.ts';
import { until } from '../support/until.ts';

describe('A file of API keys that is watched', () => {
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

  it('is read again when it is replaced', async () => {
    watch(first);
    await replace('second:long-enough-2');
    await until(() => changes.length > 0, 'the change is seen');
    expect([changes, faults]).to.deep.equal([[second], []]);
  });

  it('is read at once, for it may have changed since the keys in hand were read', async () => {
    watch(second);
    await until(() => changes.length > 0, 'the change is seen');
    expect(changes).to.deep.equal([first]);
  });

  for (const [title, spoil] of [
    ['has a key that is none', () => replace('second:long-enough-2\nthird:short')],
    ['is empty', () => replace('')],
    ['is away', () => rm(file)],
  ] as const) {
    it(`leaves the keys as they are while it ${title}`, async () => {
      watch(first);
      await spoil();
      await until(() => faults.length > 0, 'the fault is seen');
      expect(changes).to.deep.equal([]);
      expect(String(faults[0])).not.to.contain('third:short');
      await replace('second:long-enough-2');
      await until(() => changes.length > 0, 'the change is seen');
      expect(changes).to.deep.equal([second]);
    });
  }

  it('is let alone once that is asked', async () => {
    watch(first);
    const others = new Promise<void>((resolve) => {
      const stopOthers = watchApiKeys(file, {
        keys: first,
        onChange: () => {
          stopOthers();
          resolve();
        },
        onFault: () => undefined,
      });
    });
    stop();
    await replace('second:long-enough-2');
    await others;
    expect(changes).to.deep.equal([]);
  });
});

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ApiKey, parseApiKeys, SCOPES, watchApiKeys } from '../../src/config/api-keys.ts';
import { until } from '../support/until.ts';

describe('The entries of API keys', () => {
  const valid: [string, ApiKey][] = [
    ['long-enough-1', { name: 'key-1', key: 'long-enough-1', scopes: SCOPES }],
    ['shop:long-enough-1', { name: 'shop', key: 'long-enough-1', scopes: SCOPES }],
    ['shop:long-enough-1:read', { name: 'shop', key: 'long-enough-1', scopes: ['read'] }],
    ['shop:long-enough-1:send+read', { name: 'shop', key: 'long-enough-1', scopes: ['read', 'send'] }],
    ['shop:+read+send:admin', { name: 'shop', key: '+read+send', scopes: ['admin'] }],
  ];
  for (const [entry, key] of valid)
    it(`have scopes, by default all: ${entry}`, () => {
      expect(parseApiKeys(entry)).to.deep.equal([key]);
    });

  for (const entry of [
    'shop:long-enough-1:',
    'shop:long-enough-1:reed',
    'shop:long-enough-1:read+',
    'shop:long-enough-1:read send',
    'shop:long-enough-1:read:send',
    'shop:long:enough-1',
    ':long-enough-1',
    'shop:short',
  ])
    it(`are refused if they have another form, without their content: ${entry}`, () => {
      expect(() => parseApiKeys(`first:long-enough-0,${entry}`))
        .to.throw(/^key 2 (is not|has scopes other than read, send, admin)/)
        .with.property('message')
        .that.does.not.contain('enough');
    });
});

describe('Watching the file of API keys', () => {
  const first = [{ name: 'first', key: 'long-enough-1', scopes: SCOPES }];
  const second = [{ name: 'second', key: 'long-enough-2', scopes: SCOPES }];
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

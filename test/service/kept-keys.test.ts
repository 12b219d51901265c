import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KeyedConfig } from '../../src/config/config.ts';
import { StartError } from '../../src/errors.ts';
import { withKeys } from '../../src/service/kept-keys.ts';
import { loadConfig } from '../../src/service/service.ts';

for (const { variable, name, removable, keyOf } of [
  {
    variable: 'CONSENT_KEY',
    name: 'consent-key',
    removable: 'if the database has no suppressions yet',
    keyOf: ({ consentKey }: KeyedConfig) => consentKey,
  },
  {
    variable: 'SECRET_KEYS',
    name: 'secret-key',
    removable:
      'if the database has no endpoints, and no link to media or to unsubscribe needs to work any more',
    keyOf: ({ secretKeys }: KeyedConfig) => secretKeys.join(),
  },
])
  describe(`The key ${variable} in the data directory`, () => {
    let dataDir: string;
    let file: string;
    beforeEach(async () => {
      dataDir = join(await mkdtemp(join(tmpdir(), 'kept-keys-')), 'data');
      file = join(dataDir, name);
    });
    afterEach(() => rm(join(dataDir, '..'), { recursive: true }));

    const locate = async () => keyOf(await withKeys(loadConfig({ DATA_DIR: dataDir })));
    const faults = async (): Promise<string[]> => {
      try {
        return [`the key ${await locate()}`];
      } catch (error) {
        if (error instanceof StartError) return error.reasons;
        throw error;
      }
    };

    it('is made once, for the owner only, by processes that start at the same time', async () => {
      const keys = await Promise.all(Array.from({ length: 10 }, locate));
      expect(new Set(keys).size).to.equal(1);
      expect(keys[0]).to.have.length.above(31);
      expect(await locate()).to.equal(keys[0]);
      expect(await readdir(dataDir)).to.include(name);
      expect((await stat(file)).mode & 0o777).to.equal(0o600);
    });

    it('is read without the line end that an editor adds', async () => {
      const key = await locate();
      await writeFile(file, `${await readFile(file, 'utf8')}\n`);
      expect(await locate()).to.equal(key);
    });

    it('is refused if the file is empty or cut off, because what it protects would be lost', async () => {
      await locate();
      for (const text of ['', '\n', 'abc']) {
        await writeFile(file, text);
        expect(await faults()).to.deep.equal([
          `${variable}: is not set, and ${file} has fewer than 32 characters. Restore the file, or remove it ${removable}.`,
        ]);
        expect(await readFile(file, 'utf8')).to.equal(text);
      }
    });

    it('is an error of the start if it cannot be read or made', async () => {
      await mkdir(file, { recursive: true });
      expect((await faults())[0]).to.match(
        new RegExp(`^${variable}: is not set, and .*${name} is no key: EISDIR`),
      );
      await rm(dataDir, { recursive: true });
      await writeFile(dataDir, '');
      expect((await faults())[0]).to.match(
        /^(CONSENT_KEY|SECRET_KEYS): is not set, and .*-key is no key: E(EXIST|NOTDIR)/,
      );
    });
  });

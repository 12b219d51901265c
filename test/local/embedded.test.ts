import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startEmbedded } from '../../src/local/embedded.ts';
import { query } from '../helpers/database.ts';

describe('The embedded PostgreSQL', function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-embedded-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  for (const [title, mode] of [
    ['in a folder that is open to all', 0o755],
    ['behind a folder that is closed to others', 0o700],
  ] as const) {
    it(`keeps its data ${title}`, async () => {
      const dataDir = join(directory, 'closed', 'data');
      await mkdir(join(directory, 'closed'), { mode });
      const first = await startEmbedded(dataDir);
      await query(first.url, 'create table kept (n int)');
      await first.stop();
      const second = await startEmbedded(dataDir);
      expect(await query(second.url, 'select n from kept')).to.deep.equal([]);
      expect(
        await query(
          second.url,
          `select current_setting('fsync') as fsync, current_setting('server_encoding') as encoding`,
        ),
      ).to.deep.equal([{ fsync: 'on', encoding: 'UTF8' }]);
      await second.stop();
    });
  }

  it('lets nobody in without its password', async () => {
    const { url, stop } = await startEmbedded(directory);
    const other = Object.assign(new URL(url), { password: 'guessed' }).href;
    const error = await query(other, 'select 1').catch((failure) => failure);
    await stop();
    expect(error.code).to.equal('28P01');
  });
});

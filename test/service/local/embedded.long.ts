import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startEmbedded } from '../../../src/service/local/embedded.ts';
import { query } from '../../support/database.ts';
import { runToEnd } from '../../support/process.ts';

describe('The embedded PostgreSQL', function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-embedded-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  for (const [title, mode] of [
    ['in a directory that all users can read', 0o755],
    ['below a directory that other users cannot read', 0o700],
  ] as const) {
    it(`keeps its data ${title}`, async () => {
      const dataDir = join(directory, 'parent', 'data');
      await mkdir(join(directory, 'parent'), { mode });
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

  it('is created once if two services start at the same time, one of which may be refused', async () => {
    const migrate = () => runToEnd('bin/start.sh', ['migrate'], { DATA_DIR: directory });
    const runs = await Promise.all([migrate(), migrate()]);
    expect(runs.map(({ code }) => code)).to.include(0);
    for (const { code, stderr } of runs)
      if (code !== 0) expect(stderr).to.match(/^messaging-service: DATA_DIR: [^\n]+\n$/);
    const { url, stop } = await startEmbedded(directory);
    expect(await query(url, 'select count(*)::int as messages from messages')).to.deep.equal([
      { messages: 0 },
    ]);
    await stop();
  });

  it('refuses a connection with a wrong password', async () => {
    const { url, stop } = await startEmbedded(directory);
    const other = Object.assign(new URL(url), { password: 'guessed' }).href;
    const error = await query(other, 'select 1').catch((failure) => failure);
    await stop();
    expect(error.code).to.equal('28P01');
  });
});

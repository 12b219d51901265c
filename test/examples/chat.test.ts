import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { chatting } from './chatting.ts';

describe('The text chat in docs/examples', function () {
  this.timeout(120_000);
  const { start, converse } = chatting();

  it('with curl sends typed lines and prints inbound messages', async () => {
    const installed = spawnSync('jq', ['--version']).error === undefined;
    await converse(start('docs/examples/chat.sh', [], '.', installed ? [] : [resolve('test/examples/jq')]));
  });
});

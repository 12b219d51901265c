import { spawnSync } from 'node:child_process';
import { chatting } from './chatting.ts';

const hasJq = spawnSync('jq', ['--version']).error === undefined;

describe('The text chat in docs/examples', function () {
  this.timeout(120_000);
  const { start, converse } = chatting();

  it(`with curl and jq sends typed lines and prints inbound messages${hasJq ? '' : ' (jq is not installed)'}`, async function () {
    if (!hasJq) return this.skip();
    await converse(start('docs/examples/chat.sh', [], '.'));
  });
});

import { spawnSync } from 'node:child_process';
import { chatTests } from './chat-tests.ts';

const hasJq = spawnSync('jq', ['--version']).error === undefined;

describe('The text chat in docs/examples', function () {
  this.timeout(120_000);
  const { start, converse, survive } = chatTests();

  it(`sends typed lines and prints inbound messages with curl and jq${hasJq ? '' : ' (jq is not installed)'}`, async function () {
    if (!hasJq) return this.skip();
    await converse(start('docs/examples/chat.sh', [], '.'));
  });

  it(`continues after failed requests${hasJq ? '' : ' (jq is not installed)'}`, async function () {
    if (!hasJq) return this.skip();
    await survive((url) => start('docs/examples/chat.sh', [], '.', url));
  });
});

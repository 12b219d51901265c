import { spawnSync } from 'node:child_process';
import { chatting } from './chatting.ts';

describe('The text chat in docs/examples', function () {
  this.timeout(120_000);
  const { start, converse } = chatting();

  it('by curl sends what is typed and prints what comes in', async function () {
    if (spawnSync('jq', ['--version']).error) return this.skip();
    await converse(start('docs/examples/chat.sh', [], '.'));
  });
});

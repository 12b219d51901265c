import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { chatTests } from '../../examples/chat-tests.ts';
import type { SdkProject } from '../../support/sdk-project.ts';

export function chat(installed: () => SdkProject): void {
  describe('has a text chat in docs/examples', () => {
    const { start, converse, survive } = chatTests();

    it('that compiles, has 40 lines, sends typed lines and prints inbound messages', async () => {
      const program = await readFile('docs/examples/chat.ts', 'utf8');
      expect(program.split('\n').length).to.be.at.most(41);
      const project = installed();
      await project.write('chat.ts', program);
      const options = {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
      };
      const typeRoots = [resolve('node_modules/@types')];
      const { code, stdout } = await project.compile(['chat.ts'], { ...options, types: ['node'], typeRoots });
      expect(code, stdout).to.equal(0);
      await converse(start(process.execPath, ['chat.ts'], project.directory));
    });

    it('that continues after failed requests', async () => {
      const { directory } = installed();
      await survive((url) => start(process.execPath, ['chat.ts'], directory, url));
    });
  });
}

import { join } from 'node:path';
import { expect } from 'chai';
import { build } from 'esbuild';
import { type Harness, startHarness } from '../../support/harness.ts';
import type { Output, SdkProject } from '../../support/sdk-project.ts';

const strict = { strict: true, target: 'es2022', lib: ['es2022', 'dom'], types: [] };

const program = (url: string) => `
import { createClient, NotFoundError, type Message } from '@messaging-service/sdk';

const client = createClient({ baseUrl: '${url}' });
const sent: Message = await client.messages.send({ type: 'sms', from: '+12016661234', to: '+18045551234', body: 'Hi' });
const bodies: string[] = [];
for await (const { body } of client.conversations.messages(sent.conversation_id)) bodies.push(body);
const missing: unknown = await client.messages.get(999_999).catch((error) => error);
console.log(sent.status, bodies.at(-1), missing instanceof NotFoundError && missing.code);
`;

const wrongProgram = `
import { createClient } from '@messaging-service/sdk';
const { messages } = createClient({ baseUrl: '' });
export const sent = messages.send({ type: 'sms', from: '1', to: '2', body: 'Hi', subject: 'no' });
`;

export function programs(installed: () => SdkProject): void {
  describe('compiles in a program', () => {
    let service: Harness;
    let project: SdkProject;
    let compiled: Output;
    before(async () => {
      service = await startHarness();
      project = installed();
      await project.write('main.ts', program(service.url));
      await project.write('wrong.ts', wrongProgram);
      compiled = await project.compile(['main.ts', 'wrong.ts'], {
        ...strict,
        module: 'nodenext',
        outDir: 'dist',
      });
    });
    after(() => service?.stop());

    it('with nodenext: type-checks and runs', async () => {
      expect(compiled.stdout).not.to.match(/^(?!wrong\.ts|\s|$)/m);
      expect(await project.run('dist/main.js')).to.deep.equal({
        code: 0,
        stdout: 'queued Hi not_found\n',
        stderr: '',
      });
    });

    it('with bundler: type-checks, bundles for a browser and runs', async () => {
      const options = { ...strict, module: 'esnext', moduleResolution: 'bundler', noEmit: true };
      expect(await project.compile(['main.ts'], options)).to.deep.include({ code: 0, stdout: '' });
      await build({
        entryPoints: [join(project.directory, 'main.ts')],
        outfile: join(project.directory, 'bundle.js'),
        bundle: true,
        format: 'esm',
        platform: 'browser',
        logLevel: 'silent',
      });
      expect(await project.run('bundle.js')).to.deep.equal({
        code: 0,
        stdout: 'queued Hi not_found\n',
        stderr: '',
      });
    });

    it('and refuses a wrong message', () => {
      expect(compiled.code).to.equal(2);
      expect(compiled.stdout).to.match(/^wrong\.ts\(4,.*subject/);
    });
  });
}

import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { installCommands, type SdkProject } from '../../support/sdk-project.ts';

/** The code blocks of the language, in order. */
const blocks = (markdown: string, language: string) =>
  [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

const promised = (program: string) => [...program.matchAll(/; \/\/ → (.+)$/gm)].map(([, text]) => text);

/** Calls a webhook handler of the README with a signed and an unsigned webhook. */
function webhookCalls(handler: string): string {
  const body = JSON.stringify({ id: 7, type: 'message.received', data: { body: 'Hi' } });
  const headers = sign(webhookSecret, 'evt_7', Math.floor(Date.now() / 1_000), body);
  const call = (sent: string) =>
    `${handler}(new Request('https://x.org', ${JSON.stringify({ method: 'POST', body: sent, headers })}))`;
  return `console.log('${handler}', (await ${call(body)}).status, (await ${call('{}')}).status);\n`;
}

export function readme(installed: () => SdkProject): void {
  describe('has a README', () => {
    let service: Harness;
    let text: string;
    before(async () => {
      text = await readFile('sdk/README.md', 'utf8');
      service = await startHarness({
        PUBLIC_URL: 'https://messages.example.com',
        API_KEYS: 'readme:your-api-key',
      });
    });
    after(() => service?.stop());

    it('with snippets that compile, run in order, and print the results in their comments', async () => {
      const project = installed();
      const snippets = blocks(text, 'ts');
      const program = snippets.join('\n').replaceAll('http://localhost:8080', service.url);
      await project.write('readme.ts', program + webhookCalls('receive') + webhookCalls('receiveEvent'));
      const options = {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2022', 'dom'],
        types: [],
        strict: true,
      };
      const compiled = await project.compile(['readme.ts'], { ...options, outDir: 'dist' });
      expect(compiled.code, compiled.stdout).to.equal(0);

      const { code, stdout, stderr } = await project.run('dist/readme.js');
      expect(code, stderr).to.equal(0);
      const lines = stdout.split('\n');
      const words = promised(program);
      expect(words).to.have.length.above(8);
      expect(lines.filter((line) => words.includes(line))).to.deep.equal(words);
      expect(lines).to.include('receive 204 401');
      expect(lines).to.include("received evt_7 { id: 7, type: 'message.received', data: { body: 'Hi' } }");
      expect(lines).to.include('receiveEvent 204 401');
      expect(lines).to.include('inbound 7 Hi');
    });

    it('with the license of the repository', async () => {
      const license = await readFile('LICENSE', 'utf8');
      expect(license).to.match(/^MIT License\n\nCopyright \(c\) \d{4} \S/);
      expect(await installed().read('node_modules/@messaging-service/sdk/LICENSE')).to.equal(license);
      for (const file of ['package.json', 'sdk/package.json'])
        expect(JSON.parse(await readFile(file, 'utf8')), file).to.include({ license: 'MIT' });
    });

    it('with no code besides these snippets and the install commands', async () => {
      const commands = await installCommands();
      expect(blocks(text, 'sh').map((block) => block.match(/^[^#\n].*$/gm))).to.deep.equal([commands]);
      const { dependencies } = JSON.parse(await installed().read('package.json'));
      expect(Object.keys(dependencies)).to.include('@messaging-service/sdk');
      expect(text.match(/^```/gm)).to.have.length(2 * (blocks(text, 'ts').length + 1));
    });
  });
}

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { type Harness, startHarness } from '../helpers/harness.ts';
import { createSdkProject, type SdkProject } from '../helpers/sdk-project.ts';
import { until } from '../helpers/until.ts';

const API_KEY = 'your-api-key';
const us = '+12016661234';
const them = '+18045551234';

interface Chat {
  child: ChildProcess;
  type(line: string): void;
  printed(): string;
  /** As Ctrl-D does; resolves with the exit code. */
  end(): Promise<number | null>;
}

function startChat(command: string, args: string[], cwd: string, url: string): Chat {
  const { PATH = '' } = process.env;
  const child = spawn(command, [...args, us, them], { cwd, env: { PATH, MESSAGING_URL: url, API_KEY } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const ended = once(child, 'exit');
  return {
    child,
    type: (line) => child.stdin.write(`${line}\n`),
    printed: () => output,
    end: async () => {
      child.stdin.end();
      return (await ended)[0];
    },
  };
}

describe('The text chat in docs/examples', function () {
  this.timeout(120_000);
  let service: Harness;
  let project: SdkProject;
  let chat: Chat | undefined;
  before(async () => {
    project = await createSdkProject();
    await project.write('chat.ts', await readFile('docs/examples/chat.ts', 'utf8'));
  });
  beforeEach(async () => {
    service = await startHarness({ API_KEYS: `chat:${API_KEY}` });
  });
  afterEach(async () => {
    chat?.child.kill('SIGKILL');
    await service?.stop();
  });
  after(() => project?.remove());

  const say = (body: string) =>
    service.control('POST', '/_control/inbound', { channel: 'sms', from: them, to: us, body });

  const converse = async ({ type, printed, end }: Chat) => {
    type('Hello, "you" & all');
    await until(async () => (await service.accepted()).length === 1, `it was sent: ${printed()}`, 30_000);
    expect((await service.accepted())[0]?.request).to.include({ from: us, body: 'Hello, "you" & all' });
    await say('Who is it?');
    await until(() => printed().includes('Who'), 'it is printed', 30_000);
    type('Me.');
    await say('I see.');
    await until(() => printed().includes('I see'), 'the next one is printed', 30_000);
    await until(async () => (await service.accepted()).length === 2, 'the second one was sent', 30_000);
    expect(await end()).to.equal(0);
    expect(printed()).to.equal(`${them}: Who is it?\n${them}: I see.\n`);
  };

  it('by the SDK compiles, is 30 lines, sends what is typed and prints what comes in', async () => {
    expect((await readFile('docs/examples/chat.ts', 'utf8')).split('\n').length).to.be.at.most(31);
    const options = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true };
    const typeRoots = [resolve('node_modules/@types')];
    const { code, stdout } = await project.compile({ ...options, types: ['node'], typeRoots });
    expect(code, stdout).to.equal(0);
    chat = startChat(process.execPath, ['chat.ts'], project.directory, service.url);
    await converse(chat);
  });

  it('by curl sends what is typed and prints what comes in', async function () {
    if (spawnSync('jq', ['--version']).error) return this.skip();
    chat = startChat('docs/examples/chat.sh', [], '.', service.url);
    await converse(chat);
  });
});

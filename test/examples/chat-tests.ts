import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { type Harness, startHarness } from '../support/harness.ts';
import { startProxy } from '../support/proxy.ts';
import { until } from '../support/until.ts';

const API_KEY = 'your-api-key';
const shop = '+12016661234';
const customer = '+18045551234';

interface Chat {
  child: ChildProcess;
  type(line: string): void;
  printed(): string;
  /** Ends the input, like Ctrl-D; resolves with the exit code. */
  end(): Promise<number | null>;
}

function startChat(command: string, args: string[], cwd: string, url: string): Chat {
  const { PATH } = process.env;
  const child = spawn(command, [...args, shop, customer], {
    cwd,
    env: { PATH, MESSAGING_URL: url, API_KEY },
  });
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

/** The shared parts of the tests of the text chats. Each test has its own service. */
export function chatTests() {
  let service: Harness;
  let chat: Chat | undefined;
  beforeEach(async () => {
    service = await startHarness({ API_KEYS: `chat:${API_KEY}` });
  });
  afterEach(async () => {
    chat?.child.kill('SIGKILL');
    await service?.stop();
  });

  const sendFromCustomer = (body: string) =>
    service.control('POST', '/_control/inbound', { channel: 'sms', from: customer, to: shop, body });

  const converse = async ({ type, printed, end }: Chat) => {
    type('Hello, "you" & all');
    await until(
      async () => (await service.accepted()).length === 1,
      `the typed line is sent, output: ${printed()}`,
    );
    expect((await service.accepted())[0]?.request).to.include({ from: shop, body: 'Hello, "you" & all' });
    await sendFromCustomer('Who is it?');
    await until(() => printed().includes('Who'), 'the inbound message is printed');
    type('Me.');
    await sendFromCustomer('I see.');
    await until(() => printed().includes('I see'), 'the next inbound message is printed');
    await until(async () => (await service.accepted()).length === 2, 'the second typed line is sent');
    expect(await end()).to.equal(0);
    expect(printed()).to.equal(`${customer}: Who is it?\n${customer}: I see.\n`);
  };

  /** Types lines while requests fail, and then converses. */
  const survive = async (startAt: (url: string) => Chat) => {
    const proxy = await startProxy(service.url);
    proxy.faults.push(...Array(1_000).fill({ type: 'status', status: 404, body: 'No such page' }));
    const { type, printed, end } = startAt(proxy.url);
    await until(() => printed().includes('Not read: '), 'the failed read is reported');
    type('Lost');
    await until(() => printed().includes('Not sent: '), 'the failed send is reported');
    proxy.faults.length = 0;
    type('Hello');
    await until(async () => (await service.accepted()).length === 1, 'the next line is sent');
    expect((await service.accepted())[0]?.request).to.include({ body: 'Hello' });
    await sendFromCustomer('Who is it?');
    await until(() => printed().includes('Who'), `the inbound message is printed, output: ${printed()}`);
    expect(await end()).to.equal(0);
    expect(printed().match(/^Not read: /gm)).to.have.length(1);
    await proxy.stop();
  };

  const start = (command: string, args: string[], cwd: string, url = service.url): Chat => {
    chat = startChat(command, args, cwd, url);
    return chat;
  };
  return { start, converse, survive };
}

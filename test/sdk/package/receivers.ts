import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { startHarness, webhookSecret } from '../../support/harness.ts';
import { freePort } from '../../support/process.ts';
import type { SdkProject } from '../../support/sdk-project.ts';
import { until } from '../../support/until.ts';

const LIBRARIES = ['express', 'hono', '@hono/node-server', '@types/express'];
const MAX_LINES = 40;
const EVENT = {
  ...{ id: 7, type: 'message.received', timestamp: '2024-11-01T14:00:03.000Z' },
  data: { id: 4, from: '+18045551234', body: 'Hi 😀' },
};

export function receivers(installed: () => SdkProject): void {
  describe('has receivers of events in docs/samples/receivers', () => {
    let url: string;
    let child: ChildProcess;
    let output: string;
    before(async () => {
      const { directory } = installed();
      for (const name of LIBRARIES) {
        await mkdir(join(directory, 'node_modules', name, '..'), { recursive: true });
        await symlink(resolve('node_modules', name), join(directory, 'node_modules', name));
      }
    });
    afterEach(() => child?.kill('SIGKILL'));

    const start = async (file: string, port: number, secret = webhookSecret) => {
      const env = { PATH: process.env.PATH, EVENT_SECRET: secret, PORT: `${port}` };
      child = spawn(process.execPath, [file], { cwd: installed().directory, env });
      url = `http://127.0.0.1:${port}/events`;
      output = '';
      child.stdout?.on('data', (chunk) => {
        output += chunk;
      });
      await until(() => output.includes('Listening') || child.exitCode !== null, 'the receiver listens');
    };
    const post = async (event: object, { secret = webhookSecret, id = 'evt_7', changed = '' } = {}) => {
      const body = JSON.stringify(event);
      const headers = sign(secret, id, Math.floor(Date.now() / 1_000), body);
      const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
      return (await fetch(url, { ...init, body: body + changed })).status;
    };

    for (const name of ['express', 'hono', 'node']) {
      it(`${name}.ts, which has less than ${MAX_LINES} lines, handles each signed event once`, async () => {
        const file = `receiver-${name}.ts`;
        const program = await readFile(`docs/samples/receivers/${name}.ts`, 'utf8');
        expect(program.split('\n').length - 1).to.be.below(MAX_LINES);
        await installed().write(file, program);
        const { code, stdout } = await installed().compile([file], {
          ...{ module: 'nodenext', target: 'es2022', strict: true, noEmit: true, skipLibCheck: true },
          ...{ types: ['node'], typeRoots: [resolve('node_modules/@types')] },
        });
        expect(code, stdout).to.equal(0);

        await start(file, await freePort());
        expect(await post(EVENT)).to.equal(204);
        expect(await post(EVENT)).to.equal(204);
        const other = `whsec_${Buffer.alloc(32, 'other').toString('base64')}`;
        expect(await post(EVENT, { secret: other })).to.equal(401);
        expect(await post(EVENT, { changed: ' ' })).to.equal(401);
        expect(await post({ ...EVENT, padding: 'x'.repeat(100_000) })).to.equal(413);
        const failed = { id: 9, error: { code: '30003' } };
        expect(await post({ ...EVENT, type: 'message.failed', data: failed }, { id: 'evt_8' })).to.equal(204);
        const sent = { ...EVENT, type: 'message.sent', data: { id: 9 } };
        expect(await post(sent, { id: 'evt_9' })).to.equal(204);
        await until(() => output.includes('message.sent'), 'the events are handled');
        expect(output.split('\n').slice(1, -1)).to.deep.equal([
          ...['+18045551234 writes: Hi 😀', '9 failed: 30003', 'message.sent'],
        ]);
        child.kill('SIGKILL');
        await start(file, await freePort(), '');
        expect([output, child.exitCode], 'without a secret').to.deep.equal(['', 1]);
      });
    }

    it('that receive the events of a service', async () => {
      const service = await startHarness({ ALLOWED_PRIVATE_HOSTS: '127.0.0.1' });
      try {
        const port = await freePort();
        const endpoint = { url: `http://127.0.0.1:${port}/events`, event_types: ['message.received'] };
        const { body } = await service.request('POST', '/api/endpoints', endpoint);
        await installed().write('receiver.ts', await readFile('docs/samples/receivers/node.ts', 'utf8'));
        await start('receiver.ts', port, body.secret);
        await service.control('POST', '/_control/inbound', {
          ...{ channel: 'sms', from: '+18045551234', to: '+12016661234', body: 'Hello' },
        });
        await until(() => output.includes('+18045551234 writes: Hello'), 'the receiver handles the event');
      } finally {
        await service.stop();
      }
    });
  });
}

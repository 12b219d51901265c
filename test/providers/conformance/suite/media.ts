import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Message } from '../../../../sdk/src/index.ts';
import type { Call } from '../../../../src/simulator/store.ts';
import { until } from '../../../support/until.ts';
import type { Bench } from './bench.ts';
import type { Subject } from './subject.ts';

const TYPE = 'image/png';
const CONTENT = Buffer.from('a picture of a host that is not of the provider');

/** The files of messages: kept when the provider has deleted them, fetched with credentials only where these belong. */
export function describeMedia(subject: Subject, bench: () => Bench): void {
  const { webhooks, message: own, dialect } = subject;

  describe('a file', () => {
    let foreign: Server;
    let foreignUrl: string;
    let requests: IncomingHttpHeaders[];
    before(async () => {
      foreign = createServer((request, response) => {
        requests.push(request.headers);
        response.writeHead(200, { 'content-type': TYPE }).end(CONTENT);
      });
      await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
      foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/picture`;
    });
    after(() => foreign?.close());
    beforeEach(() => {
      requests = [];
    });

    /** Adds a file at the provider, sends a message with it to the service, and returns the sender of the message. */
    async function receive(content: Buffer): Promise<{ id: string; from: string }> {
      const { id } = await bench().control<{ id: string }>('POST', 'files', {
        ...{ content_type: TYPE, content: content.toString('base64') },
      });
      const from = bench().recipient();
      const fields = webhooks.inbound({ from, to: own.from, body: 'Look' });
      const { status } = await bench().control<{ status: number }>('POST', 'inbound', {
        ...{ channel: bench().channel, dialect, files: [id], ...fields },
      });
      expect(status).to.equal(200);
      return { id, from };
    }
    const calls = async () => {
      const { data } = await bench().control<{ data: Call[] }>('GET', 'calls');
      return data.filter(({ path }) => /media/i.test(path));
    };
    /** The message of a sender when its only file is stored. */
    const untilStored = (from: string): Promise<Message> =>
      until(async () => {
        const { body } = await bench().service.request('GET', '/api/messages?direction=inbound&limit=100');
        const message: Message | undefined = body.data.find((each: Message) => each.from === from);
        expect(message?.media?.[0]?.error ?? null).to.equal(null);
        return message?.media?.[0]?.state === 'stored' && message;
      }, `the file of ${from} is stored`);
    const download = async ({ media }: Message) => {
      const response = await fetch(String(media?.[0]?.url));
      expect([response.status, response.headers.get('content-type')]).to.deep.equal([200, TYPE]);
      return Buffer.from(await response.arrayBuffer()).toString();
    };

    it('of an inbound message is readable from our URL after the provider has deleted it', async () => {
      const { id, from } = await receive(Buffer.from(`a picture of ${dialect}`));
      const message = await untilStored(from);
      expect(message.attachments).to.have.lengthOf(1);
      await bench().control('DELETE', `files/${id}`);
      expect(await download(message)).to.equal(`a picture of ${dialect}`);
      const [first, ...redirected] = await calls();
      expect(first?.has_credentials).to.equal(subject.protectsMedia);
      expect(redirected.map(({ has_credentials }) => has_credentials)).to.not.include(true);
    });

    it('that the provider redirects to another host is fetched there without credentials', async () => {
      await bench().faults({ type: 'redirect', location: foreignUrl });
      const { from } = await receive(Buffer.from('a picture'));
      expect(await download(await untilStored(from))).to.equal(CONTENT.toString());
      expect(requests.map(({ authorization }) => authorization)).to.deep.equal([undefined]);
    });

    it('of a webhook that names another host is fetched without credentials', async () => {
      const fields = { id: bench().id(), from: bench().recipient(), to: own.from, body: 'Look' };
      await bench().deliver(webhooks.message({ ...fields, attachments: [foreignUrl] }));
      expect(await download(await untilStored(fields.from))).to.equal(CONTENT.toString());
      expect(requests.map(({ authorization }) => authorization)).to.deep.equal([undefined]);
    });
  });
}

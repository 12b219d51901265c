import { hash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Message } from '../../../../sdk/src/index.ts';
import type { Channel } from '../../../../src/channel.ts';
import type { Accepted, Call } from '../../../../src/simulator/store.ts';
import { until } from '../../../support/until.ts';
import type { Bench } from './bench.ts';
import type { InboundSubject } from './subject.ts';

const TYPE = 'image/png';
/** Not one of the addresses that the service may call here. */
const PRIVATE = 'http://[::1]:9/picture';
const CONTENT = Buffer.from('a picture of a host that is not of the provider');

/** The files of messages: kept when the provider has deleted them, fetched with credentials only where these belong. */
export function describeMedia(subject: InboundSubject, channel: Channel, bench: () => Bench): void {
  const { webhooks, message: own, dialect } = subject;

  describe('a file', () => {
    let foreign: Server;
    let foreignUrl: string;
    let requests: IncomingHttpHeaders[];
    before(async () => {
      foreign = createServer((request, response) => {
        requests.push(request.headers);
        const status = request.url === '/picture' ? 200 : 404;
        response.writeHead(status, { 'content-type': TYPE }).end(CONTENT);
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
        ...{ channel, dialect, files: [id], ...fields },
      });
      expect(status).to.equal(200);
      return { id, from };
    }
    const type = () => (channel === 'sms' ? { type: 'mms' } : {});
    const calls = async () => {
      const { data } = await bench().control<{ data: Call[] }>('GET', 'calls');
      return data.filter(({ path }) => /media/i.test(path));
    };
    /** The message of a sender when its only file is stored or has failed. */
    const untilSettled = (from: string): Promise<Message> =>
      until(async () => {
        const { body } = await bench().service.request('GET', '/api/messages?direction=inbound&limit=100');
        const message: Message | undefined = body.data.find((each: Message) => each.from === from);
        const state = message?.media?.[0]?.state ?? 'pending';
        return state !== 'pending' && message;
      }, `the file of ${from} is settled`);
    const untilStored = async (from: string): Promise<Message> => {
      const message = await untilSettled(from);
      expect(message.media?.[0]).to.include({ state: 'stored', error: null });
      return message;
    };
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

    /** Expects that the file of a message is not kept, and that the message says why. */
    async function expectNotKept(fault: object, code: string): Promise<void> {
      await bench().faults(fault);
      const { from } = await receive(Buffer.from('a picture'));
      const { body, media } = await untilSettled(from);
      expect(body).to.equal('Look');
      expect(media?.[0]).to.include({ state: 'failed', url: null });
      expect(media?.[0]?.error?.code).to.equal(code);
    }

    it('that the provider redirects to a private address is not fetched, and its message says why', async () => {
      await expectNotKept({ type: 'redirect', location: PRIVATE }, 'address_not_allowed');
    });

    // Emails can have files of any type.
    if (channel === 'sms')
      it('of a type that a text message cannot have is not kept, and its message says why', async () => {
        const fault = { type: 'content_type', content_type: 'application/x-msdownload' };
        await expectNotKept(fault, 'type_not_allowed');
      });

    it('of an outbound message is fetched by the provider, with its bytes and its type', async () => {
      const content = Buffer.from(`a picture for ${dialect}`);
      const upload = await fetch(`${bench().service.url}/api/media`, {
        ...{ method: 'POST', headers: { 'content-type': TYPE }, body: content },
      });
      expect(upload.status).to.equal(201);
      const { id } = (await upload.json()) as { id: number };
      const sent = await bench().send(bench().recipient(), { ...type(), media_ids: [id] });
      await bench().service.untilStatus(sent.id, 'delivered');
      const [accepted] = await bench().acceptedFor(sent.to);
      const [file] = (accepted as Accepted).files ?? [];
      expect(file).to.include({ status: 200, content_type: TYPE, size: content.length });
      expect(file?.sha256).to.equal(hash('sha256', content));
    });

    it('of an outbound message that the provider cannot read ends the message, with its reason', async () => {
      await bench().control('PUT', 'settings', { media: { fetch: 'all' } });
      const attachments = [new URL('/missing.png', foreignUrl).href];
      const { id } = await bench().send(bench().recipient(), { ...type(), attachments });
      const { error } = await bench().service.untilStatus(id, 'failed');
      expect(error).to.include(subject.unreadableFile);
    });
  });
}

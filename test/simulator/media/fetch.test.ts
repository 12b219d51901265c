import { hash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Accepted } from '../../../src/simulator/store.ts';
import { until } from '../../support/until.ts';
import { formOf } from '../twilio/support.ts';
import { credentials, type MediaPlay, startMedia } from './support.ts';

const CONTENT = Buffer.from('a picture');
const FROM = '+12016661234';
const TO = '+18045551234';

describe('A file of an outbound message of the simulator', () => {
  let media: MediaPlay;
  let service: Server;
  let url: string;
  let requests: IncomingHttpHeaders[];
  before(async () => {
    media = await startMedia();
    service = createServer((request, response) => {
      requests.push(request.headers);
      if (request.url === '/picture') response.writeHead(200, { 'content-type': 'image/png' }).end(CONTENT);
      else if (request.url === '/untyped') response.writeHead(200).end(CONTENT);
      else if (request.url !== '/never') response.writeHead(404).end('none');
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  });
  after(async () => {
    await media?.stop();
    service?.closeAllConnections();
    service?.close();
  });
  beforeEach(async () => {
    await media.play.call('POST', '/_control/reset');
    await media.play.set({ service_url: url, receipts: { enabled: true, delay_ms: 1 } });
    requests = [];
  });

  const json = { 'content-type': 'application/json' };
  const post = (path: string, headers: Record<string, string>, body: string | URLSearchParams) =>
    fetch(media.play.url + path, { method: 'POST', headers, body });
  const sends = {
    standard: (file: string) =>
      post(
        '/sms/messages',
        { ...json, ...credentials.standard() },
        JSON.stringify({ from: FROM, to: TO, type: 'mms', body: '', attachments: [file] }),
      ),
    twilio: (file: string) =>
      post(
        `/twilio/2010-04-01/Accounts/AC${'0'.repeat(32)}/Messages.json`,
        credentials.twilio(),
        formOf({ From: FROM, To: TO, MediaUrl: [file], StatusCallback: `${url}/status` }),
      ),
    telnyx: (file: string) =>
      post(
        '/telnyx/v2/messages',
        { ...json, ...credentials.standard() },
        JSON.stringify({ from: FROM, to: TO, media_urls: [file] }),
      ),
    vonage: (file: string) =>
      post(
        '/vonage/v1/messages',
        { ...json, ...credentials.vonage() },
        JSON.stringify({
          ...{ channel: 'mms', message_type: 'image', image: { url: file } },
          ...{ from: FROM.slice(1), to: TO.slice(1) },
        }),
      ),
  };
  /** Sends a message with the file, and waits until its receipts are known. */
  const send = async (dialect: keyof typeof sends, file: string): Promise<Accepted> => {
    const response = await sends[dialect](file);
    expect(response.status, await response.text()).to.be.within(200, 202);
    return until(async () => {
      const message = (await media.play.accepted()).at(-1);
      return message && message.receipts.length > 0 && message;
    }, 'the receipts are known');
  };
  const statusesOf = ({ receipts }: Accepted) => receipts.map(({ status }) => status);

  const FAILURES = {
    standard: ['failed'],
    twilio: ['failed'],
    telnyx: ['sending_failed'],
    vonage: ['rejected'],
  };
  for (const dialect of ['standard', 'twilio', 'telnyx', 'vonage'] as const) {
    it(`is fetched without credentials in the dialect ${dialect}`, async () => {
      const message = await send(dialect, `${url}/picture`);
      expect(message.files).to.deep.equal([
        {
          ...{ url: `${url}/picture`, status: 200, content_type: 'image/png' },
          ...{ size: CONTENT.length, sha256: hash('sha256', CONTENT) },
        },
      ]);
      expect(requests[0]).to.not.have.any.keys('authorization', 'cookie');
      expect(statusesOf(message)).to.include('delivered');
    });

    it(`that cannot be read ends the message in the dialect ${dialect}`, async () => {
      const message = await send(dialect, `${url}/nothing`);
      expect(message.files?.[0]).to.include({ status: 404 });
      expect(statusesOf(message)).to.deep.equal(FAILURES[dialect]);
    });
  }

  it('that does not arrive in time, or has no type, ends the message', async () => {
    await media.play.set({ media: { timeout_ms: 100 } });
    expect((await send('telnyx', `${url}/never`)).files?.[0]).to.include({ status: null, sha256: null });
    expect(statusesOf(await send('telnyx', `${url}/untyped`))).to.deep.equal(['sending_failed']);
  });

  it('of the service is fetched also by another name of this machine', async () => {
    const message = await send('telnyx', `${url.replace('127.0.0.1', 'localhost')}/picture`);
    expect(message.files?.[0]).to.include({ status: 200 });
  });

  it('of another host is fetched only with the setting "all", and none with "none"', async () => {
    const elsewhere = media.receiver.url;
    expect((await send('telnyx', `${elsewhere}/picture`)).files).to.equal(undefined);
    await media.play.call('POST', '/_control/reset');
    await media.play.set({
      service_url: url,
      media: { fetch: 'all' },
      receipts: { enabled: true, delay_ms: 1 },
    });
    expect((await send('telnyx', `${elsewhere}/picture`)).files?.[0]).to.include({ status: 200 });
    await media.play.call('POST', '/_control/reset');
    await media.play.set({
      service_url: url,
      media: { fetch: 'none' },
      receipts: { enabled: true, delay_ms: 1 },
    });
    expect((await send('telnyx', `${url}/picture`)).files).to.equal(undefined);
  });
});

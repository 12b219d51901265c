import { expect } from 'chai';
import { errorCodeOf } from '../support.ts';
import { credentials, DIALECTS, type File, type MediaPlay, read, startMedia } from './support.ts';

describe('A fault of a request for a file of the simulator', () => {
  let media: MediaPlay;
  let file: File;
  before(async () => {
    media = await startMedia();
  });
  after(() => media?.stop());
  beforeEach(async () => {
    await media.play.call('POST', '/_control/reset');
    file = await media.addFile({ size: 1_000 });
  });

  const faults = (...list: object[]) =>
    media.play.faults(...list.map((fault) => ({ channel: 'sms', applies_to: 'file', ...fault })));

  for (const dialect of DIALECTS)
    describe(`of the dialect ${dialect}`, () => {
      const get = async () => read((await media.inbound(dialect, file)).url, credentials[dialect]());

      it('can be a status, a number of times', async () => {
        await faults({ dialect, type: 'status', status: 503, times: 1 });
        expect((await get()).status).to.equal(503);
        expect((await get()).status).to.equal(200);
      });

      it('can be a reset connection', async () => {
        await faults({ type: 'reset' });
        expect(await errorCodeOf(get())).to.equal('ECONNRESET');
      });

      it('can be another content type', async () => {
        await faults({ type: 'content_type', content_type: 'application/x-msdownload' });
        expect((await get()).headers.get('content-type')).to.equal('application/x-msdownload');
      });

      it('can be more bytes than announced', async () => {
        await faults({ type: 'oversize', bytes: 70_000 });
        const response = await get();
        expect(response.headers.get('content-length')).to.equal(null);
        expect((await response.arrayBuffer()).byteLength).to.equal(71_000);
      });

      it('can be a redirect to another URL', async () => {
        await faults({ type: 'redirect', location: `${media.receiver.url}/elsewhere` });
        await get();
        expect(media.receiver.received.at(-1)?.path).to.equal('/elsewhere');
        expect((await media.play.calls()).map(({ fault }) => fault)).to.deep.equal(['redirect']);
      });

      it('can be a trickle', async () => {
        await faults({ type: 'trickle', ms: 1 });
        const response = await get();
        expect(response.headers.get('content-length')).to.equal('1000');
        const reader = response.body?.getReader();
        expect((await reader?.read())?.value?.length).to.be.below(1_000);
        await reader?.cancel();
      });
    });

  it('can be for one file only, and does not affect other requests', async () => {
    const other = await media.addFile();
    await faults({ type: 'status', status: 500, file: file.id });
    expect((await fetch((await media.inbound('telnyx', other)).url)).status).to.equal(200);
    expect((await fetch((await media.inbound('telnyx', file)).url)).status).to.equal(500);
    expect((await media.play.send(undefined, undefined)).status).to.equal(401);
  });

  for (const [title, fault] of [
    ['a trickle of a send', { type: 'trickle', ms: 1, applies_to: 'send' }],
    ['a lost response', { type: 'lost_response' }],
    ['a redirect without a location', { type: 'redirect' }],
    ['a status with bytes', { type: 'status', status: 500, bytes: 1 }],
  ] as const)
    it(`cannot be ${title}`, async () => {
      expect((await faults(fault)).status).to.equal(422);
    });
});

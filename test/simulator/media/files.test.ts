import { hash } from 'node:crypto';
import { expect } from 'chai';
import { credentials, DIALECTS, type MediaPlay, read, startMedia } from './support.ts';

describe('A file of an inbound message of the simulator', () => {
  let media: MediaPlay;
  before(async () => {
    media = await startMedia();
  });
  after(() => media?.stop());
  beforeEach(() => media.play.call('POST', '/_control/reset'));

  for (const dialect of DIALECTS)
    it(`is in the webhook of the dialect ${dialect}, and is read by its rule until it is deleted`, async () => {
      const content = Buffer.from('the content');
      const file = await media.addFile({ content_type: 'image/gif', content: content.toString('base64') });
      expect(file).to.include({ size: content.length, sha256: hash('sha256', content) });
      const { url } = await media.inbound(dialect, file);
      const own = credentials[dialect]();
      const response = await read(url, own);
      expect([response.status, response.headers.get('content-type')]).to.deep.equal([200, 'image/gif']);
      expect(response.headers.get('content-length')).to.equal(String(content.length));
      expect(Buffer.from(await response.arrayBuffer()).equals(content)).to.equal(true);
      const wrong = { authorization: `Bearer ${Buffer.from('wrong').toString('base64')}` };
      expect((await read(url, wrong)).status).to.equal(dialect === 'telnyx' ? 400 : 401);
      expect((await media.play.call('DELETE', `/_control/files/${file.id}`)).status).to.equal(204);
      expect((await read(url, own)).status).to.equal(404);
      expect((await media.play.call('DELETE', `/_control/files/${file.id}`)).status).to.equal(404);
      expect((await media.play.call('GET', '/_control/files')).body.data).to.deep.equal([]);
    });

  it('is described in the webhook as the provider describes it', async () => {
    const file = await media.addFile({ content_type: 'image/png', size: 70_000 });
    const twilio = new URLSearchParams((await media.inbound('twilio', file)).webhook.text);
    expect(twilio.get('MediaContentType0')).to.equal('image/png');
    expect(twilio.get('NumMedia')).to.equal('1');
    const { payload } = (await media.inbound('telnyx', file)).webhook.body.data;
    expect(payload.type).to.equal('MMS');
    expect(payload.media[0]).to.include({ content_type: 'image/png', size: 70_000, sha256: file.sha256 });
    const vcard = await media.addFile({ content_type: 'text/vcard', name: 'ada.vcf' });
    const vonage = (await media.inbound('vonage', vcard)).webhook.body;
    expect(vonage).to.include({ channel: 'mms', message_type: 'vcard' });
    expect(vonage.vcard.name).to.equal('ada.vcf');
  });

  it('has generated content of a size, different from every other file', async () => {
    const [first, second] = [await media.addFile({ size: 200_000 }), await media.addFile({ size: 200_000 })];
    expect(first.sha256).not.to.equal(second.sha256);
    const { url } = await media.inbound('telnyx', first);
    const content = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect([content.length, hash('sha256', content)]).to.deep.equal([200_000, first.sha256]);
    expect((await media.addFile({ size: 0 })).size).to.equal(0);
  });

  it('of Vonage needs no token without the secure media of the application', async () => {
    const { url } = await media.inbound('vonage', await media.addFile());
    expect((await fetch(url)).status).to.equal(401);
    await media.play.set({ vonage: { secure_media: false } });
    expect((await fetch(url)).status).to.equal(200);
  });

  it('of an email has a URL in the attachments', async () => {
    const file = await media.addFile({ content_type: 'application/pdf', name: 'a.pdf' });
    await media.play.call('POST', '/_control/inbound', { channel: 'email', files: [file.id] });
    const url = media.receiver.received.at(-1)?.body.attachments[0];
    const response = await fetch(url, { headers: credentials.standard() });
    expect(response.headers.get('content-type')).to.equal('application/pdf');
    expect(response.headers.get('content-disposition')).to.equal('attachment; filename=a.pdf');
  });

  it('leaves in the log of calls whether its requests had credentials', async () => {
    const { url } = await media.inbound('twilio', await media.addFile());
    await read(url, credentials.twilio());
    expect((await media.play.calls()).map((call) => [call.status, call.has_credentials])).to.deep.equal([
      [307, true],
      [200, false],
    ]);
  });

  for (const [title, body] of [
    ['content and size', { content: 'YQ==', size: 1 }],
    ['content that is no base64', { content: '%' }],
    ['an unknown field', { path: '/etc/passwd' }],
  ] as const)
    it(`is refused with ${title}`, async () => {
      expect((await media.play.call('POST', '/_control/files', body)).status).to.equal(422);
    });

  it('is refused in a message if it is unknown, or if the provider has no message with so many', async () => {
    const { id } = await media.addFile();
    const inbound = (fields: object) =>
      media.play.call('POST', '/_control/inbound', { channel: 'sms', ...fields });
    expect((await inbound({ files: ['00000000-0000-4000-8000-000000000000'] })).status).to.equal(422);
    expect((await inbound({ dialect: 'vonage', files: [id, id] })).status).to.equal(422);
    expect((await inbound({ dialect: 'twilio', files: Array(11).fill(id) })).status).to.equal(422);
  });
});

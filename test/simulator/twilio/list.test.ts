import { expect } from 'chai';
import { until } from '../../support/until.ts';
import { FROM, MESSAGES, startTwilio, TO, type Twilio } from './support.ts';

const OTHER = '+18045550000';

describe('The list of messages of the simulated Twilio API', () => {
  let twilio: Twilio;
  beforeEach(async () => {
    // The delay keeps each message in its first status.
    twilio = await startTwilio({ receipts: { delay_ms: 60_000 } });
  });
  afterEach(() => twilio.stop());

  const list = (query: Record<string, string> = {}) =>
    twilio.twilio('GET', `${MESSAGES}.json?${new URLSearchParams(query)}`);
  const sidsOf = async (query: Record<string, string> = {}) =>
    (await list(query)).body.messages.map(({ sid }: { sid: string }) => sid);
  const create = async (form = {}) => (await twilio.create(form)).body.sid as string;

  it('has the newest message first', async () => {
    const sids = [await create(), await create(), await create()];
    expect(await sidsOf()).to.deep.equal(sids.reverse());
    expect((await list()).body.messages[0]).to.include({ sid: sids[0], to: TO, from: FROM, body: 'Hello' });
  });

  it('is filtered by recipient and sender', async () => {
    const [sid] = [await create({ To: OTHER }), await create({ From: OTHER })];
    expect(await sidsOf({ To: OTHER })).to.deep.equal([sid]);
    expect(await sidsOf({ To: OTHER, From: FROM })).to.deep.equal([sid]);
    expect(await sidsOf({ To: OTHER, From: OTHER })).to.deep.equal([]);
  });

  it('is filtered by time in the documented formats', async () => {
    const sid = await create();
    const time = (seconds: number) => new Date(Date.now() + seconds * 1_000);
    const iso = (seconds: number) => time(seconds).toISOString().replace(/\.\d+/, '');
    const formats = (seconds: number) => [
      iso(seconds),
      iso(seconds).replace(/[TZ]/g, ' ').trim(),
      time(seconds).toUTCString(),
    ];
    for (const past of formats(-3_600)) {
      expect(await sidsOf({ 'DateSent>': past }), past).to.deep.equal([sid]);
      expect(await sidsOf({ 'DateSent<': past }), past).to.deep.equal([]);
    }
    for (const future of formats(3_600)) {
      expect(await sidsOf({ 'DateSent>': future }), future).to.deep.equal([]);
      expect(await sidsOf({ 'DateSent<': future }), future).to.deep.equal([sid]);
    }
    expect(await sidsOf({ DateSent: '2008-01-02' })).to.deep.equal([]);
    expect(await sidsOf({ 'DateSent>': '2008-01-02' })).to.deep.equal([sid]);
  });

  it('includes a message of the same second', async () => {
    const { date_created, sid } = (await twilio.create()).body;
    const second = new Date(date_created).toISOString();
    expect(await sidsOf({ 'DateSent>': second })).to.deep.equal([sid]);
  });

  for (const [name, value] of [
    ['DateSent>', 'yesterday'],
    ['PageSize', '0'],
    ['PageSize', '1001'],
    ['PageToken', 'PA0'],
    ['Colour', 'red'],
  ] as const)
    it(`is refused with ${name}=${value}`, async () => {
      const { status, body } = await list({ [name]: value });
      expect([status, body.code]).to.deep.equal([400, 20001]);
    });

  it('has pages with links to the next and the previous page', async () => {
    const sids: string[] = [];
    for (let count = 0; count < 5; count++) sids.unshift(await create({ To: OTHER }));
    await create();
    const first = (await list({ To: OTHER, PageSize: '2' })).body;
    expect(first).to.include({ start: 0, end: 1, page: 0, page_size: 2, previous_page_uri: null });
    const uri = `${MESSAGES}.json?To=${encodeURIComponent(OTHER)}&PageSize=2&Page=0`;
    expect([first.uri, first.first_page_uri]).to.deep.equal([uri, uri]);
    // A new message does not move the pages that follow.
    await create({ To: OTHER });
    const second = (await twilio.twilio('GET', first.next_page_uri)).body;
    const third = (await twilio.twilio('GET', second.next_page_uri)).body;
    expect(third).to.include({ page: 2, next_page_uri: null });
    const read = [first, second, third].flatMap(({ messages }) =>
      messages.map(({ sid }: { sid: string }) => sid),
    );
    expect(read).to.deep.equal(sids);
    const back = (await twilio.twilio('GET', third.previous_page_uri)).body;
    expect(back.messages).to.deep.equal(second.messages);
  });

  it('has an empty page without messages', async () => {
    const { body } = await list();
    expect(body).to.include({ start: 0, end: 0, next_page_uri: null, previous_page_uri: null });
    expect(body.messages).to.deep.equal([]);
  });

  it('has a new message after the configured delay only', async () => {
    await twilio.set({ twilio: { list_delay_ms: 60_000 } });
    const sid = await create();
    expect(await sidsOf()).to.deep.equal([]);
    expect((await twilio.fetchMessage(sid)).status).to.equal(200);
    await twilio.set({ twilio: { list_delay_ms: 1 } });
    await until(async () => (await sidsOf()).length === 1, 'the message is in the list');
  });
});

describe('The media of the simulated Twilio API', () => {
  let twilio: Twilio;
  beforeEach(async () => {
    twilio = await startTwilio();
  });
  afterEach(() => twilio.stop());

  it('are listed, read and deleted', async () => {
    const MediaUrl = ['https://a.example/b.png?c=1', 'https://a.example/photo'];
    const { sid, num_media, subresource_uris } = (await twilio.create({ Body: '', MediaUrl })).body;
    expect(sid).to.match(/^MM/);
    expect(num_media).to.equal('2');
    const { body } = await twilio.twilio('GET', subresource_uris.media);
    expect(body.media_list.map((media: { content_type: string }) => media.content_type)).to.deep.equal([
      'image/png',
      'image/jpeg',
    ]);
    const [media] = body.media_list;
    expect(media).to.include({ parent_sid: sid, uri: `${MESSAGES}/${sid}/Media/${media.sid}.json` });
    expect((await twilio.twilio('GET', media.uri)).body).to.deep.equal(media);
    expect((await twilio.twilio('GET', media.uri.replace('.json', ''))).status).to.equal(307);
    expect((await twilio.twilio('DELETE', media.uri)).status).to.equal(204);
    for (const method of ['GET', 'DELETE'])
      expect((await twilio.twilio(method, media.uri)).body.code).to.equal(20404);
    const next = (await twilio.twilio('GET', `${subresource_uris.media}?PageSize=1`)).body;
    expect(next).to.include({ next_page_uri: null, page_size: 1 });
    expect(next.media_list).to.have.lengthOf(1);
    const unknown = await twilio.twilio('GET', `${subresource_uris.media}?PageToken=PA0`);
    expect(unknown.status).to.equal(400);
    expect((await twilio.twilio('GET', `${MESSAGES}/SM1/Media.json`)).status).to.equal(404);
  });
});

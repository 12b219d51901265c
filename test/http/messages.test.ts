import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { email, inboundEmail, inboundSms, sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';

describe('Listing messages', () => {
  let service: Harness;
  let times: string[];
  before(async () => {
    service = await startHarness();
    const bodies = [
      ['sms', { ...sms, to: '+18045550000', body: 'Where is the blue bicycle?' }],
      ['email', { ...email, subject: 'Your bicycle', body: '<p>It is <b>blue</b> & "new"</p>' }],
      ['sms', { ...sms, to: '+18040000008', body: 'will not arrive' }],
    ] as const;
    for (const [channel, body] of bodies) await service.request('POST', `/api/messages/${channel}`, body);
    await service.request('POST', '/api/webhooks/sms', {
      ...inboundSms,
      from: '+18045550000',
      body: 'A red one',
    });
    await service.request('POST', '/api/webhooks/email', { ...inboundEmail, body: 'naïve Übergröße 日本語' });
    await service.untilStatus(2, 'delivered');
    await service.untilStatus(3, 'undelivered');
    times = (await list('')).map(({ created_at }) => created_at).reverse();
  });
  after(() => service.stop());

  const list = async (search: string): Promise<Message[]> => {
    const { status, body } = await service.request('GET', `/api/messages?${search}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body.data;
  };
  const ids = async (search: string) => (await list(search)).map(({ id }) => id);

  it('gives the latest first, page by page', async () => {
    expect(await ids('')).to.deep.equal([5, 4, 3, 2, 1]);
    const first = (await service.request('GET', '/api/messages?limit=3')).body;
    expect(await ids(`limit=3&cursor=${first.next_cursor}`)).to.deep.equal([2, 1]);
  });

  it('filters by what a message is', async () => {
    expect(await ids('direction=inbound')).to.deep.equal([5, 4]);
    expect(await ids('type=email')).to.deep.equal([5, 2]);
    expect(await ids('status=undelivered')).to.deep.equal([3]);
    expect(await ids('conversation_id=1')).to.deep.equal([4, 1]);
    expect(await ids('conversation_id=1&direction=outbound')).to.deep.equal([1]);
    expect(await ids('conversation_id=99')).to.deep.equal([]);
    expect(await ids('participant=+18045550000')).to.deep.equal([4, 1]);
    expect(await ids('participant=nobody@x.org')).to.deep.equal([]);
  });

  it('filters by when it was recorded: from since on, before until', async () => {
    expect(await ids(`since=${times[3]}`)).to.deep.equal([5, 4]);
    expect(await ids(`until=${times[1]}`)).to.deep.equal([1]);
    expect(await ids(`since=${times[1]}&until=${times[3]}`)).to.deep.equal([3, 2]);
  });

  describe('finds words', () => {
    const cases: [string, string, number[]][] = [
      ['in any case', 'BLUE', [2, 1]],
      ['all of them', 'blue where', [1]],
      ['in quotes only next to each other', '"blue bicycle"', [1]],
      ['without one', 'blue -where', [2]],
      ['either', 'red or where', [4, 1]],
      ['of the subject', 'bicycle your', [2]],
      ['of any script', 'übergröße', [5]],
      ['of Japanese between spaces', '日本語', [5]],
      ['that are a phone number in any form', '(804) 555-0000', [4, 1]],
      ['that are an email address', 'Contact@Gmail.com', [5, 2]],
      ['that are part of an email address', 'usehatchapp.com bicycle', [2]],
      ['and tags are none', 'p', []],
    ];
    for (const [title, q, found] of cases) {
      it(title, async () => {
        expect(await ids(`q=${encodeURIComponent(q)}`)).to.deep.equal(found);
      });
    }
  });

  it('marks what was found, and escapes the rest', async () => {
    const [mail, text] = await list('q=blue');
    expect(text?.highlight).to.deep.equal({
      from: '+12016661234',
      to: ['+18045550000'],
      body: 'Where is the <mark>blue</mark> bicycle?',
    });
    expect(mail?.highlight?.body).to.match(/It is +<mark>blue<\/mark> +&amp; &quot;new&quot;/);
    expect(mail?.highlight?.subject).to.equal('Your bicycle');
    expect((await list('q=your bicycle'))[0]?.highlight?.subject).to.equal(
      '<mark>Your</mark> <mark>bicycle</mark>',
    );
    expect((await list(''))[0]).not.to.have.property('highlight');
  });

  it('pages through what was found', async () => {
    const { body } = await service.request('GET', '/api/messages?q=blue&limit=1');
    expect(await ids(`q=blue&limit=1&cursor=${body.next_cursor}`)).to.deep.equal([1]);
  });

  it('refuses a search without a word, and what is no time or status', async () => {
    for (const [search, path] of [
      ['q=%21%21', '/query/q'],
      ['q=', '/query/q'],
      ['since=2024-02-30T00:00:00Z', '/query/since'],
      ['status=lost', '/query/status'],
      ['participant=%3F', '/query/participant'],
      ['cursor=WzFd', '/query/cursor'],
    ]) {
      const { status, body } = await service.request('GET', `/api/messages?${search}`);
      expect(status, search).to.equal(422);
      expect(body.errors[0].path).to.equal(path);
    }
  });
});

describe('Addresses in what a search finds', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
    await service.request('POST', '/api/messages/email', {
      ...email,
      to: ['Contact@Gmail.com', "o'neil@gmail.com"],
      cc: ['jane.doe@mail.example.org'],
      bcc: ['hidden@gmail.com'],
      body: 'The parcel',
    });
    await service.request('POST', '/api/messages/sms', { ...sms, from: 'Acme Parcel', body: 'On its way' });
    await service.request('POST', '/api/messages/sms', { ...sms, from: '82345', body: 'Paid' });
  });
  after(() => service.stop());

  const mail = {
    from: 'user@usehatchapp.com',
    to: ['contact@gmail.com', 'o&#39;neil@gmail.com'],
    cc: ['jane.doe@mail.example.org'],
    body: 'The parcel',
  };
  const text = { from: 'Acme Parcel', to: ['+18045551234'], body: 'On its way' };
  const paid = { from: '82345', to: ['+18045551234'], body: 'Paid' };
  const cases: [string, string, object[]][] = [
    [
      'a phone number, however it is written',
      '(804) 555-1234',
      [paid, text].map((found) => ({ ...found, to: ['<mark>+18045551234</mark>'] })),
    ],
    ['a short code', '82345', [{ ...paid, from: '<mark>82345</mark>' }]],
    [
      'a sender of letters, beside what is found in the body',
      'parcel',
      [
        { ...text, from: 'Acme <mark>Parcel</mark>' },
        { ...mail, body: 'The <mark>parcel</mark>' },
      ],
    ],
    [
      'an email address as a whole',
      'CONTACT@gmail.com',
      [{ ...mail, to: ['<mark>contact@gmail.com</mark>', mail.to[1]] }],
    ],
    [
      'the parts of an email address',
      'contact usehatchapp.com',
      [
        {
          ...mail,
          from: 'user@<mark>usehatchapp.com</mark>',
          to: ['<mark>contact</mark>@gmail.com', mail.to[1]],
        },
      ],
    ],
    ['copies', 'jane.doe@mail.example.org', [{ ...mail, cc: ['<mark>jane.doe@mail.example.org</mark>'] }]],
    ['blind copies never: they are not searched', 'hidden', []],
  ];
  for (const [title, q, highlights] of cases) {
    it(`marks ${title}`, async () => {
      const { status, body } = await service.request('GET', `/api/messages?q=${encodeURIComponent(q)}`);
      expect(status).to.equal(200);
      expect(body.data.map(({ highlight }: Message) => highlight)).to.deep.equal(highlights);
    });
  }
});

describe('Following a conversation', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('by after_id sees each message of 32 writers once and in order, and a pager none twice', async () => {
    const total = 1_600;
    let next = 0;
    const writer = async () => {
      while (next < total) {
        const messaging_provider_id = `follow-${next++}`;
        const { status } = await service.request('POST', '/api/webhooks/sms', {
          ...inboundSms,
          messaging_provider_id,
          // Some in the same moment under one id: a repeat draws an id, too.
          ...(next % 10 === 0 && { messaging_provider_id: `follow-${next}` }),
        });
        expect(status).to.equal(200);
      }
    };
    const first = await service.request('POST', '/api/webhooks/sms', inboundSms);
    const path = `/api/conversations/${first.body.conversation_id}/messages`;
    let writing = true;
    const seen: number[] = [];
    const follower = (async () => {
      for (;;) {
        const last = !writing;
        const { body } = await service.request('GET', `${path}?limit=50&after_id=${seen.at(-1) ?? 0}`);
        seen.push(...body.data.map(({ id }: Message) => id));
        if (last && body.data.length === 0) return;
      }
    })();
    const pages: number[][] = [];
    const pager = (async () => {
      while (writing) {
        const page: number[] = [];
        for (let cursor: string | null = ''; cursor !== null; ) {
          const { body } = await service.request(
            'GET',
            `${path}?order=desc&limit=20${cursor && `&cursor=${cursor}`}`,
          );
          page.push(...body.data.map(({ id }: Message) => id));
          cursor = body.next_cursor;
        }
        pages.push(page);
      }
    })();
    await Promise.all(Array.from({ length: 32 }, writer));
    writing = false;
    await Promise.all([follower, pager]);

    const { body } = await service.request('GET', `/api/conversations/${first.body.conversation_id}`);
    expect(seen).to.have.length(body.message_count);
    expect(seen).to.deep.equal([...new Set(seen)].sort((a, b) => a - b));
    const all = new Set(seen);
    for (const page of pages) {
      expect(new Set(page).size).to.equal(page.length);
      // Whatever was there when it began is there, down to the very first.
      expect(page).to.deep.equal([...all].filter((id) => id <= (page[0] ?? 0)).sort((a, b) => b - a));
    }
    expect(pages.length).to.be.greaterThan(0);
  });
});

import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { email, inboundEmail, inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

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

  it('returns the latest messages first, page by page', async () => {
    expect(await ids('')).to.deep.equal([5, 4, 3, 2, 1]);
    const first = (await service.request('GET', '/api/messages?limit=3')).body;
    expect(await ids(`limit=3&cursor=${first.next_cursor}`)).to.deep.equal([2, 1]);
  });

  it('filters by the fields of a message', async () => {
    expect(await ids('direction=inbound')).to.deep.equal([5, 4]);
    expect(await ids('type=email')).to.deep.equal([5, 2]);
    expect(await ids('status=undelivered')).to.deep.equal([3]);
    expect(await ids('conversation_id=1')).to.deep.equal([4, 1]);
    expect(await ids('conversation_id=1&direction=outbound')).to.deep.equal([1]);
    expect(await ids('conversation_id=99')).to.deep.equal([]);
    expect(await ids('participant=+18045550000')).to.deep.equal([4, 1]);
    expect(await ids('participant=nobody@x.org')).to.deep.equal([]);
  });

  it('filters by the time of recording: at or after since, before until', async () => {
    expect(await ids(`since=${times[3]}`)).to.deep.equal([5, 4]);
    expect(await ids(`until=${times[1]}`)).to.deep.equal([1]);
    expect(await ids(`since=${times[1]}&until=${times[3]}`)).to.deep.equal([3, 2]);
  });

  describe('finds words', () => {
    const cases: [string, string, number[]][] = [
      ['in any case', 'BLUE', [2, 1]],
      ['that are all in the message', 'blue where', [1]],
      ['that are adjacent, if they are in quotes', '"blue bicycle"', [1]],
      ['without an excluded word', 'blue -where', [2]],
      ['of either of two terms', 'red or where', [4, 1]],
      ['of the subject', 'bicycle your', [2]],
      ['of any script', 'übergröße', [5]],
      ['of Japanese that are separated by spaces', '日本語', [5]],
      ['that are a phone number in any form', '(804) 555-0000', [4, 1]],
      ['that are an email address', 'Contact@Gmail.com', [5, 2]],
      ['that are part of an email address', 'usehatchapp.com bicycle', [2]],
      ['outside HTML tags only', 'p', []],
    ];
    for (const [title, q, found] of cases) {
      it(title, async () => {
        expect(await ids(`q=${encodeURIComponent(q)}`)).to.deep.equal(found);
      });
    }
  });

  it('marks the found words, and escapes the other text', async () => {
    const [mail, text] = await list('q=blue');
    expect(text?.highlight).to.deep.equal({
      body: 'Where is the <mark>blue</mark> bicycle?',
    });
    expect(mail?.highlight?.body).to.match(/It is +<mark>blue<\/mark> +&amp; &quot;new&quot;/);
    expect(mail?.highlight?.subject).to.equal('Your bicycle');
    expect((await list('q=your bicycle'))[0]?.highlight?.subject).to.equal(
      '<mark>Your</mark> <mark>bicycle</mark>',
    );
    expect((await list(''))[0]).not.to.have.property('highlight');
  });

  it('returns the found messages page by page', async () => {
    const { body } = await service.request('GET', '/api/messages?q=blue&limit=1');
    expect(await ids(`q=blue&limit=1&cursor=${body.next_cursor}`)).to.deep.equal([1]);
  });

  it('refuses a search without a word, an invalid time and an unknown status', async () => {
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

describe('A search finds', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
    await service.request('POST', '/api/messages/email', {
      ...email,
      from: 'Ada <ada@b.example>',
      to: ['Contact@Gmail.com', "o'neil@gmail.com"],
      cc: ['jane.doe@mail.example.org'],
      bcc: ['hidden@gmail.com'],
      subject: 'Order-1234',
      body: '<p class="plain">See you tomorrow.Please come: https://example.com/t/ZX99?ref=a1&amp;b</p> Cafe\u0301, Straße, １２３',
    });
    await service.request('POST', '/api/messages/sms', { ...sms, from: 'Acme Parcel', body: 'Café at 5' });
    await service.request('POST', '/api/messages/sms', {
      ...sms,
      from: '82345',
      body: '東京に 行く v2.1 snake_case',
    });
  });
  after(() => service.stop());

  const cases: [title: string, q: string, found: number[]][] = [
    ['the digits after a hyphen', '1234', [1]],
    ['a term with a hyphen', 'order-1234', [1]],
    ['a term with a hyphen and a space', '"order 1234"', [1]],
    ['a word after a full stop', 'please', [1]],
    ['a part of a URL', 'ZX99', [1]],
    ['a URL', 'https://example.com/t/ZX99', [1]],
    ['a parameter of a URL', 'a1', [1]],
    ['the local part of an address', 'ada', [1]],
    ['a domain', 'b.example', [1]],
    ['an address with a name', 'Ada Lovelace <ada@b.example>', [1]],
    ['an address with an apostrophe', "o'neil@gmail.com", [1]],
    ['a copy', 'jane.doe@mail.example.org', [1]],
    ['a blind copy', 'hidden@gmail.com', [1]],
    ['no HTML tag', 'plain', []],
    ['a word with an accent', 'cafe', [2, 1]],
    ['an accent in another Unicode form', 'CAFÉ', [2, 1]],
    ['full-width digits', '123', [1]],
    ['a phone number in national notation', '(804) 555-1234', [3, 2]],
    ['a short code', '82345', [3]],
    ['an alphanumeric sender', 'acme parcel', [2]],
    ['a run of characters without spaces', '東京に', [3]],
    ['a part of a version number', '"v2 1"', [3]],
    ['a part of a name with an underscore', 'case', [3]],
    ['a term and not another', 'cafe -order-1234', [2]],
    ['either of two terms', 'order-1234 or 東京に', [3, 1]],
    ['no words of a term in another order', '1234-order', []],
  ];
  for (const [title, q, found] of cases)
    it(title, async () => {
      const { status, body } = await service.request('GET', `/api/messages?q=${encodeURIComponent(q)}`);
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body.data.map(({ id }: Message) => id)).to.deep.equal(found);
    });

  it('and marks each match in the subject and the body', async () => {
    const [found] = (await service.request('GET', '/api/messages?q=order-1234%20cafe')).body.data;
    expect(found.highlight.subject).to.equal('<mark>Order</mark>-<mark>1234</mark>');
    expect(found.highlight.body).to.contain('<mark>Cafe\u0301</mark>, Straße').and.not.to.contain('class');
  });
});

describe('Following a conversation', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  it('by after_id returns each message of 32 writers once and in order, and paging returns none twice', async () => {
    const total = 1_600;
    let next = 0;
    const writer = async () => {
      while (next < total) {
        const messaging_provider_id = `follow-${next++}`;
        const { status } = await service.request('POST', '/api/webhooks/sms', {
          ...inboundSms,
          messaging_provider_id,
          // Some concurrent webhooks have the same id, because a repeated webhook also allocates an id of the sequence.
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
      // The pages together have every message that existed when the first page was read.
      expect(page).to.deep.equal([...all].filter((id) => id <= (page[0] ?? 0)).sort((a, b) => b - a));
    }
    expect(pages.length).to.be.greaterThan(0);
  });
});

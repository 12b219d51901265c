import { expect } from 'chai';
import { readKeywords } from '../../src/consent/keyword-file.ts';
import { storedFunction } from '../../src/db/functions.ts';
import { changesOf, entriesOf, repliesTo } from '../support/consent.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

const NUMBER = '+12016661234';
const OTHER = '+12016665678';
const { en, fr } = readKeywords(null);

describe('The request of a recipient in an inbound text', () => {
  let service: Harness;
  let count = 0;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  const person = () => `+1804555${String(++count).padStart(4, '0')}`;
  /** Delivers a text, by default as a new message. */
  const text = async (
    from: string,
    body: string,
    { to = NUMBER, ...fields }: Record<string, unknown> = {},
  ) => {
    const id = (fields.messaging_provider_id as string) ?? `request-${++count}`;
    const response = await deliver(
      service,
      inboundBody(id, { from, to, body, timestamp: undefined, ...fields }),
    );
    expect(response.status).to.equal(200);
    return id;
  };
  const requests = (address: string) =>
    query(
      service.databaseUrl,
      `select action, keyword, source, sender, applied_at is not null as applied, message_id is not null as has_message
       from opt_outs where address = $1 order by id`,
      [address],
    );
  const addReason = (address: string, reason: string) =>
    query(service.databaseUrl, `select * from ${storedFunction('change_suppressions')}($1)`, [
      JSON.stringify([
        {
          ...{ n: 1, change: 'add', address, address_hash: hashAddress(address), channel: 'sms' },
          ...{ scope: 'channel', reasons: [reason] },
        },
      ]),
    ]);
  const events = async (address: string) => {
    const rows = await query<{ type: string }>(
      service.databaseUrl,
      `select type from (select type, subject_id from event_inbox union all select type, subject_id from events) as event
       where type like 'suppression.%' and subject_id in (select id from suppression_changes where address = $1)`,
      [address],
    );
    return rows.map(({ type }) => type);
  };

  it('to stop suppresses the channel, and is confirmed once from the number that the recipient wrote to', async () => {
    const from = person();
    await text(from, ' Stop. ');
    expect(await entriesOf(service, from)).to.deep.equal([
      { scope: 'channel', sender: null, reasons: ['stop_keyword'], channel: 'sms' },
    ]);
    expect(await requests(from)).to.deep.equal([
      {
        action: 'stop',
        keyword: 'Stop.',
        source: 'message',
        sender: NUMBER,
        applied: true,
        has_message: true,
      },
    ]);
    expect(await events(from)).to.deep.equal(['suppression.added']);
    const [reply, ...others] = await repliesTo(service, from);
    expect(others).to.deep.equal([]);
    expect(reply).to.include({ from: NUMBER, body: en?.replies.stop });
    await service.untilStatus(reply?.id as number, 'delivered');
    const sent = (await service.accepted()).filter(({ request }) => request.to === from);
    expect(sent.map(({ request }) => request.from)).to.deep.equal([NUMBER]);
  });

  it('names the message as the source of the entry', async () => {
    const from = person();
    await text(from, 'STOP');
    const [row] = await query(
      service.databaseUrl,
      `select account, (select body from messages where id = message_id) as body, receipt_id, actor
       from suppressions where address = $1`,
      [from],
    );
    expect(row).to.deep.equal({ account: 'text-co', body: 'STOP', receipt_id: null, actor: null });
  });

  it('to stop makes one entry, one event and one reply if it comes 20 times at once', async () => {
    const from = person();
    await Promise.all(Array.from({ length: 20 }, () => text(from, 'STOP')));
    expect(await entriesOf(service, from)).to.have.length(1);
    expect(await events(from)).to.deep.equal(['suppression.added']);
    expect(await requests(from)).to.have.length(20);
    expect(await repliesTo(service, from)).to.have.length(1);
  });

  it('changes nothing when its webhook is redelivered, also after a START', async () => {
    const from = person();
    const id = await text(from, 'STOP');
    await text(from, 'STOP', { messaging_provider_id: id });
    await text(from, 'start');
    await Promise.all(Array.from({ length: 5 }, () => text(from, 'STOP', { messaging_provider_id: id })));
    expect(await entriesOf(service, from)).to.deep.equal([]);
    expect(await changesOf(service, from)).to.deep.equal(['added stop_keyword', 'removed stop_keyword']);
    expect((await repliesTo(service, from)).map(({ body }) => body)).to.deep.equal([
      ...[en?.replies.stop, en?.replies.start],
    ]);
  });

  it('to start lifts a STOP only', async () => {
    const from = person();
    await text(from, 'YES');
    await text(from, 'arrêt');
    await addReason(from, 'manual');
    await text(from, 'Unstop!');
    expect((await entriesOf(service, from)).map(({ reasons }) => reasons)).to.deep.equal([['manual']]);
  });

  it('to start gets a reply only if it lifts a STOP', async () => {
    const from = person();
    for (const body of ['YES', 'arrêt', 'Reprendre', 'START']) await text(from, body);
    expect((await repliesTo(service, from)).map(({ body }) => body)).to.deep.equal([
      ...[fr?.replies.stop, fr?.replies.start],
    ]);
  });

  it('is applied, but not answered, after ten replies to an address in an hour', async () => {
    const from = person();
    for (let n = 0; n < 6; n++) {
      await text(from, 'STOP');
      await text(from, 'START');
    }
    expect(await repliesTo(service, from)).to.have.length(10);
    await text(from, 'STOP');
    expect(await entriesOf(service, from)).to.have.length(1);
  });

  it('to stop is applied although its message cannot be recorded', async () => {
    for (const [body, fields] of [
      ['STOP', { to: 'whatsapp:+12016661234' }],
      ['STOP\0', {}],
    ] as const) {
      const from = person();
      await text(from, body, fields);
      expect(await entriesOf(service, from), body).to.deep.equal([
        { scope: 'channel', sender: null, reasons: ['provider_opt_out'], channel: 'sms' },
      ]);
      expect(await repliesTo(service, from)).to.deep.equal([]);
      await text(person(), 'Hello', fields);
    }
    const { body } = await service.request('GET', '/api/quarantine');
    expect(body.data.length).to.be.at.least(2);
  });

  it('for help is answered once an hour for each number, and changes no entry', async () => {
    const from = person();
    for (let n = 0; n < 3; n++) await text(from, 'HELP');
    await Promise.all(Array.from({ length: 5 }, () => text(from, 'info')));
    await text(from, 'help', { to: OTHER });
    const bodies = (await repliesTo(service, from)).map(({ from: number, body }) => [number, body]);
    expect(bodies).to.deep.equal([
      [NUMBER, en?.replies.help],
      [OTHER, en?.replies.help],
    ]);
    await query(
      service.databaseUrl,
      `update opt_outs set occurred_at = now() - interval '61 minutes' where address = $1`,
      [from],
    );
    await text(from, 'HELP');
    expect(await repliesTo(service, from)).to.have.length(3);
    expect(await entriesOf(service, from)).to.deep.equal([]);
    expect(await requests(from)).to.have.length(10);
  });

  it('to start changes nothing if it was written before a STOP, and arrives after it', async () => {
    const from = person();
    const at = (seconds: number) => ({
      timestamp: new Date(Date.now() - 60_000 + seconds * 1_000).toISOString(),
    });
    await text(from, 'STOP', at(1));
    await text(from, 'START', at(2));
    await text(from, 'STOP', at(4));
    await text(from, 'START', at(3));
    expect(await changesOf(service, from)).to.deep.equal([
      ...['added stop_keyword', 'removed stop_keyword', 'added stop_keyword'],
    ]);
    expect(await repliesTo(service, from)).to.have.length(3);
    await text(from, 'START', at(4));
    expect(await entriesOf(service, from)).to.deep.equal([]);
    await text(from, 'STOP', at(3_600));
    await text(from, 'START');
    expect(await entriesOf(service, from), 'the clock of the provider is ahead').to.deep.equal([]);
  });

  it('for help is answered after a STOP', async () => {
    const from = person();
    await text(from, 'STOP');
    await text(from, 'AIDE');
    const [, help] = await repliesTo(service, from);
    expect(help?.body).to.equal(fr?.replies.help);
    await service.untilStatus(help?.id as number, 'delivered');
  });

  it('is only a whole text, and only in an SMS or MMS', async () => {
    const from = person();
    await text(from, 'please stop');
    await text(from, `stop ${'! '.repeat(100)} it`);
    const sent = await service.control('POST', '/_control/inbound', {
      ...{ channel: 'email', from: 'ada@example.com', body: 'STOP' },
    });
    expect(sent).to.include({ status: 200 });
    expect([...(await requests(from)), ...(await requests('ada@example.com'))]).to.deep.equal([]);
    await text(from, 'stop', { type: 'mms', attachments: ['https://media.example/stop.png'] });
    expect(await entriesOf(service, from)).to.have.length(1);
  });

  it('is applied at the path of the scaffold, too', async () => {
    const from = person();
    const event = JSON.parse(inboundBody(`request-${++count}`, { from, to: NUMBER, body: 'STOP' }));
    expect((await service.request('POST', '/api/webhooks/sms', event)).status).to.equal(200);
    expect(await entriesOf(service, from)).to.have.length(1);
  });

  it('is applied with all others of one batch, in the order of the texts of each recipient', async () => {
    const people = Array.from({ length: 30 }, person);
    await Promise.all(
      people.map((from, n) => text(from, n % 3 === 0 ? 'STOP' : n % 3 === 1 ? 'HELP' : 'Hello')),
    );
    for (const [n, from] of people.entries())
      expect(await entriesOf(service, from), from).to.have.length(n % 3 === 0 ? 1 : 0);
  });

  describe('gets no reply', () => {
    const expectNone = async (from: string, fields: Record<string, unknown> = {}, entries = 1) => {
      await text(from, 'STOP', fields);
      expect(await entriesOf(service, from), from).to.have.length(entries);
      expect(await repliesTo(service, from), from).to.deep.equal([]);
    };

    it('if the sender is a short code', () => expectNone('72345'));
    it('if the sender is a name, to which no text can be sent', () => expectNone('ACME', {}, 0));
    it('if the sender is not known', () => expectNone('unknown', { from: '' }, 0));
    it('if the sender is the number itself', () => expectNone(NUMBER));
    it('if the text is older than an hour', () =>
      expectNone(person(), { timestamp: new Date(Date.now() - 3_700_000).toISOString() }));
    it('if the text was written to several numbers', () => expectNone(person(), { to: [NUMBER, OTHER] }));
    it('if the number is not a number from which the account sends', async () => {
      const own = await startHarness({ TEXT_CO_SENDERS: OTHER });
      try {
        const from = person();
        await deliver(own, inboundBody('other', { from, to: NUMBER, body: 'STOP', timestamp: undefined }));
        await deliver(
          own,
          inboundBody('own', { from: OTHER, to: OTHER, body: 'STOP', timestamp: undefined }),
        );
        expect(await entriesOf(own, from)).to.have.length(1);
        expect([...(await repliesTo(own, from)), ...(await repliesTo(own, OTHER))]).to.deep.equal([]);
      } finally {
        await own.stop();
      }
    });
    it('if the replies of the account are switched off', async () => {
      const own = await startHarness({ TEXT_CO_CONSENT_REPLIES: 'false' });
      try {
        const from = person();
        await deliver(own, inboundBody('off', { from, to: NUMBER, body: 'STOP', timestamp: undefined }));
        expect(await entriesOf(own, from)).to.have.length(1);
        expect(await repliesTo(own, from)).to.deep.equal([]);
      } finally {
        await own.stop();
      }
    });
  });

  it('with STOP_SCOPE=sender concerns the number that the recipient wrote to', async () => {
    const own = await startHarness({ STOP_SCOPE: 'sender' });
    const write = (from: string, to: unknown, body: string) =>
      deliver(own, inboundBody(`scope-${++count}`, { from, to, body, timestamp: undefined }));
    try {
      const from = person();
      await write(from, NUMBER, 'STOP');
      await write(from, OTHER, 'STOP');
      await write(from, [NUMBER, OTHER], 'STOP');
      const scopes = async () => (await entriesOf(own, from)).map(({ scope, sender }) => [scope, sender]);
      expect(await scopes()).to.deep.equal([
        ['sender', NUMBER],
        ['sender', OTHER],
        ['channel', null],
      ]);
      await write(from, NUMBER, 'START');
      expect(await scopes()).to.deep.equal([['sender', OTHER]]);
      await write(from, OTHER, 'START');
      expect(await scopes()).to.deep.equal([]);
    } finally {
      await own.stop();
    }
  });
});

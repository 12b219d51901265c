import { expect } from 'chai';
import { createErasureCheck } from '../../src/privacy/erased-content.ts';
import { inboundSms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { dump, rowsWith } from '../support/dump.ts';
import { readFrames } from '../support/event-stream.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { inboundBody, store } from '../support/webhooks.ts';

const OURS = 'support@shop.example';
let numbers = 0;
const nextNumber = () => `+1804555${String(++numbers).padStart(4, '0')}`;

describe('An erasure in progress', function () {
  this.timeout(60_000);
  /** Two processes with one database: the first has a worker, the second has none. */
  let service: Harness;
  let other: Harness;
  before(async () => {
    service = await startHarness({ TEXT_CO_SENDERS: `*,${sms.from}` });
    other = await startHarness({ DATABASE_URL: service.databaseUrl, ROLE: 'api', TEXT_CO_SENDERS: sms.from });
  });
  after(async () => {
    await other?.stop();
    await service?.stop();
  });

  const call = (method: string, path: string, body?: object) => service.request(method, path, body);
  const sendBy = async ({ request }: Harness, to: string, body: string) => {
    const answer = await request('POST', '/api/messages/sms', { ...sms, to, body });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
    return answer.body;
  };
  const idOf = async (address: string): Promise<number> =>
    (await call('GET', `/api/participants?address=${encodeURIComponent(address)}`)).body.data[0]?.id;
  const erase = async (id: number, { request } = service) => {
    const { status, body } = await request('DELETE', `/api/participants/${id}`);
    expect([status, body.state], JSON.stringify(body)).to.deep.equal([200, 'completed']);
    return body;
  };

  it('is refused for unknown participants and own senders, and leaves a participant that cannot be changed', async () => {
    const to = nextNumber();
    await sendBy(service, to, 'Hello');
    const [id, ours, second] = [await idOf(to), await idOf(sms.from), nextNumber()];
    await sendBy(service, second, 'Hello');
    expect((await call('DELETE', '/api/participants/999999')).status).to.equal(404);
    // The account of one process has this sender only, that of the other one has every sender.
    for (const { request } of [other, service]) {
      const refused = await request('DELETE', `/api/participants/${ours}`);
      expect([refused.status, refused.body.code]).to.deep.equal([409, 'own_address']);
    }
    expect((await call('GET', '/api/erasures/999999')).status).to.equal(404);
    await erase(id);
    for (const [method, path, body] of [
      ['PATCH', `/api/participants/${id}`, { name: 'Ada' }],
      ['PUT', `/api/participants/${id}/links/${await idOf(second)}`, undefined],
    ] as const) {
      const answer = await call(method, path, body);
      expect([answer.status, answer.body.code]).to.deep.equal([409, 'participant_erased']);
    }
    // Nobody can have the address of an erased participant.
    const asErased = await call('POST', '/api/messages/sms', { ...sms, to: `erased-${id}` });
    expect([asErased.status, asErased.body.errors[0].path]).to.deep.equal([422, '/body/to']);
    const spoofed = inboundBody('spoofed-1', { from: `erased-${id}` });
    const { body } = await call('POST', '/api/webhooks/sms', JSON.parse(spoofed));
    expect(body.from).to.equal('unknown');
  });

  it('empties the caches of every process: later messages have a new conversation, and streams the erased content', async () => {
    const to = nextNumber();
    const [first] = [await sendBy(service, to, 'forget-me'), await sendBy(other, to, 'forget-me too')];
    await service.untilStatus(first.id, 'delivered');
    const contents = async (harness: Harness) => {
      const controller = new AbortController();
      const response = await fetch(`${harness.url}/api/events/stream?after=0`, { signal: controller.signal });
      const texts: string[] = [];
      for await (const { event, data } of readFrames(response)) {
        if (event?.startsWith('message.') && data?.includes(`"conversation_id":${first.conversation_id}`))
          texts.push(data);
        if (texts.length === 6) break;
      }
      controller.abort();
      return texts.join();
    };
    await until(
      async () =>
        (await call('GET', `/api/events?conversation_id=${first.conversation_id}`)).body.data.length >= 7,
      'events',
    );
    for (const harness of [service, other]) expect(await contents(harness)).to.include('forget-me');
    await erase(await idOf(to));
    for (const harness of [service, other])
      await until(
        async () => !(await contents(harness)).includes('forget-me'),
        'the stream without the content',
      );
    const later = [await sendBy(other, to, 'later'), await sendBy(service, to, 'later')];
    expect(later.map(({ conversation_id }) => conversation_id)).to.deep.equal(
      Array(2).fill(later[0].conversation_id),
    );
    expect(later[0].conversation_id).to.be.greaterThan(first.conversation_id);
  });

  it('is detected by its version if the notification was lost', async () => {
    let erased = 0;
    const { pool } = service.service.database;
    const check = createErasureCheck(pool, () => erased++);
    await check();
    await query(service.databaseUrl, 'update erased_content set version = version + 1');
    await check();
    await check();
    expect(erased).to.equal(1);
  });

  it('waits for a webhook and a call in flight, goes on in another process, and is the same erasure for a repeated request', async () => {
    const to = nextNumber();
    const [claimed, waiting] = [await sendBy(other, to, 'in-flight'), await sendBy(other, to, 'waiting')];
    await service.untilStatus(waiting.id, 'delivered');
    const set = (id: number, status: string) =>
      query(
        service.databaseUrl,
        `update deliveries set status = $2, next_attempt_at = case $2 when 'sending' then now() + interval '1 hour' end
         where message_id = $1`,
        [id, status],
      );
    await set(claimed.id, 'sending');
    const id = await idOf(to);
    // A worker processes a webhook of the person.
    const webhook = await store(service.databaseUrl, inboundBody('in-progress', { from: to }));
    await query(
      service.databaseUrl,
      `update webhook_inbox set leased = true, next_attempt_at = now() + interval '1 hour' where id = $1`,
      [webhook],
    );
    const { status, headers, body } = await other.request('DELETE', `/api/participants/${id}`);
    expect([status, body.state]).to.deep.equal([202, 'running']);
    expect(headers.get('location')).to.equal(`/api/erasures/${body.id}`);
    expect((await call('GET', `/api/messages/${claimed.id}`)).body.body).to.equal('in-flight');
    const processed = { ...inboundSms, from: to, messaging_provider_id: 'in-progress', body: 'in-flight' };
    await call('POST', '/api/webhooks/sms', processed);
    await query(service.databaseUrl, 'delete from webhook_inbox where id = $1', [webhook]);
    await until(
      async () => (await call('GET', `/api/participants/${id}`)).body.address === `erased-${id}`,
      'the participant has no address',
    );
    const { body: later } = await call('POST', '/api/messages/sms', {
      ...{ ...sms, to, body: 'after-request', send_at: '2099-01-01T00:00:00Z' },
    });
    await store(service.databaseUrl, JSON.stringify({ from: to, text: 'webhook-after-request' }));
    await query(
      service.databaseUrl,
      `insert into delivery_receipts (provider, provider_message_id, recipient, status, occurred_at, payload)
       values ('text-co', 'receipt-after-request', $1, 'sent', now(), '{}')`,
      [to],
    );
    await set(claimed.id, 'sent');
    const erasure = await until(async () => {
      const answer = await call('GET', `/api/erasures/${body.id}`);
      return answer.body.state === 'completed' && answer.body;
    }, 'the erasure is completed');
    expect(await erase(id)).to.deep.equal(erasure);
    const dumped = await dump(service.databaseUrl);
    expect(rowsWith(dumped, 'in-flight')).to.deep.equal([]);
    // What arrives after the request belongs to a new participant.
    expect((await call('GET', `/api/messages/${later.id}`)).body).to.deep.include({
      ...{ to: [to], body: 'after-request', status: 'scheduled' },
    });
    expect(rowsWith(dumped, 'webhook-after-request')).to.have.length(1);
    expect(rowsWith(dumped, `"recipient":"${to}`)).to.have.length(1);
  });

  it('erases large webhooks over few connections, and those whose body is lost', async () => {
    const to = nextNumber();
    const sent = await sendBy(service, to, 'Hello');
    await service.untilStatus(sent.id, 'delivered');
    const [large, lost, kept] = [
      await store(service.databaseUrl, `large of ${to}`),
      await store(service.databaseUrl, 'lost'),
      await store(service.databaseUrl, 'kept'),
    ];
    const move = (id: number, hasBody: boolean) =>
      query(
        service.databaseUrl,
        `with object as (insert into media_objects (id) values (gen_random_uuid()) returning id),
           chunk as (
             insert into media_chunks (object_id, number, data)
             select object.id, 0, body from object, webhook_inbox as own where own.id = $1 and $2)
         update webhook_inbox set object_id = object.id, object_bytes = octet_length(body), body = null from object
         where webhook_inbox.id = $1`,
        [id, hasBody],
      );
    await move(large, true);
    await move(lost, false);
    // One connection for writes.
    const few = await startHarness({
      DATABASE_URL: service.databaseUrl,
      ROLE: 'api',
      DATABASE_POOL_SIZE: '2',
    });
    try {
      await erase(await idOf(to), few);
    } finally {
      await few.stop();
    }
    const left = await query<{ id: string }>(
      service.databaseUrl,
      'select id from webhook_inbox where id = any($1)',
      [[large, lost, kept]],
    );
    expect(left.map(({ id }) => Number(id))).to.deep.equal([kept]);
  });

  it('leaves the erased recipient out of group messages that are sent later', async () => {
    const to = 'group@example.com';
    const { body: scheduled } = await call('POST', '/api/messages/email', {
      ...{
        from: OURS,
        // Not the address of an erased participant, although it begins as one.
        to: [to, 'erased-7@example.com'],
        subject: 'Later',
        text: 'Later',
        send_at: '2099-01-01T00:00:00Z',
      },
    });
    const id = await idOf(to);
    await erase(id);
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now() where message_id = $1', [
      scheduled.id,
    ]);
    const accepted = await until(
      async () =>
        (await service.accepted()).find((each) => JSON.stringify(each).includes('erased-7@example.com')),
      'the message is sent',
    );
    expect(JSON.stringify(accepted)).to.not.include(`erased-${id}`).and.not.include(to);
    const { recipients } = await service.untilStatus(scheduled.id, 'undelivered');
    expect(recipients?.map(({ address, status }) => [address, status])).to.deep.equal([
      [`erased-${id}`, 'failed'],
      ['erased-7@example.com', 'delivered'],
    ]);
  });

  it('does not store the address again for a redelivered webhook', async () => {
    const from = nextNumber();
    const deliver = () =>
      call('POST', '/api/webhooks/sms', { ...inboundSms, from, messaging_provider_id: 'redelivered-1' });
    const { body: first } = await deliver();
    await erase(await idOf(from));
    expect((await deliver()).body.id).to.equal(first.id);
    expect(rowsWith(await dump(service.databaseUrl), from)).to.deep.equal([]);
  });

  it('cancels the group messages of the erased sender only, and activates the next message', async () => {
    const [sender, second] = ['sender@shop.example', 'second@shop.example'];
    const send = async (from: string, to: string) =>
      (
        await call('POST', '/api/messages/email', {
          ...{ from, to: [to, 'member@example.com'], text: 'Hello', send_at: '2099-01-01T00:00:00Z' },
        })
      ).body;
    const [next, head] = [await send(second, sender), await send(sender, second)];
    expect(next.conversation_id).to.equal(head.conversation_id);
    await query(
      service.databaseUrl,
      `update deliveries set status = 'queued', next_attempt_at = case message_id when $1 then now() + interval '1 hour' end
       where message_id in ($1, $2)`,
      [head.id, next.id],
    );
    await erase(await idOf(sender));
    expect((await call('GET', `/api/messages/${head.id}`)).body.status).to.equal('canceled');
    // Without the periodic search for such messages.
    const waiting = `select from deliveries where message_id = $1 and status = 'queued' and next_attempt_at is null`;
    expect(await query(service.databaseUrl, waiting, [next.id])).to.deep.equal([]);
    await service.untilStatus(next.id, 'undelivered');
  });

  it('applies receipts that arrive later, and stores them without the address', async () => {
    const to = 'late@example.com';
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
    const { body: sent } = await call('POST', '/api/messages/email', {
      ...{ from: OURS, to: [to, 'other@example.com'], subject: 'Hello', text: 'Hello' },
    });
    const { provider_message_id: xillio_id } = await service.untilStatus(sent.id, 'sent');
    await service.control('PUT', '/_control/settings', { receipts: { enabled: true } });
    const id = await idOf(to);
    await erase(id);
    for (const status of ['bounced', 'bounced'])
      await call('POST', '/api/webhooks/email/status', {
        ...{ xillio_id, status, recipient: to, bounce: 'hard', error: { code: '550', detail: `No ${to}` } },
      });
    const { body } = await call('GET', `/api/messages/${sent.id}`);
    expect(
      body.recipients.map((each: { address: string; status: string }) => [each.address, each.status]),
    ).to.deep.equal([
      [`erased-${id}`, 'undelivered'],
      ['other@example.com', 'sent'],
    ]);
    expect(rowsWith(await dump(service.databaseUrl), to)).to.deep.equal([]);
    const refused = await call('POST', '/api/messages/email', { from: OURS, to, text: 'Hello' });
    expect([refused.status, refused.body.code]).to.deep.equal([422, 'recipient_suppressed']);
  });

  it('does not disturb requests about the same person, and erases what existed at its request', async () => {
    const to = nextNumber();
    const first = await sendBy(service, to, 'old-text');
    await service.untilStatus(first.id, 'delivered');
    await query(
      service.databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, provider,
         provider_message_id, "timestamp")
       select conversation_id, participant_id, 'inbound', 'sms', $2, array[$3], 'old-text ' || n, '{}', '{}', 'text-co', 'seeded-' || n, now()
       from generate_series(1, 2000) as n, conversation_participants
       where conversation_id = $1 and participant_id = $4`,
      [first.conversation_id, to, sms.from, await idOf(to)],
    );
    const id = await idOf(to);
    const erasing = erase(id, other);
    await until(
      async () => (await call('GET', `/api/participants/${id}`)).body.erased_at !== null,
      'the erasure is requested',
    );
    await store(service.databaseUrl, JSON.stringify({ from: to, text: 'new-webhook' }));
    const statuses = new Set<number>();
    let n = 0;
    let ended = false;
    void erasing.finally(() => {
      ended = true;
    });
    while (!ended) {
      const answers = await Promise.all([
        call('POST', '/api/messages/sms', { ...sms, to, body: 'new-text' }),
        other.request('POST', '/api/webhooks/sms', {
          ...inboundSms,
          from: to,
          messaging_provider_id: `new-${++n}`,
          body: 'new-text',
        }),
        call('GET', `/api/conversations/${first.conversation_id}/messages`),
        call('GET', `/api/messages?q=old-text`),
        call('GET', `/api/participants/${id}`),
      ]);
      for (const { status } of answers) statuses.add(status);
    }
    expect((await erasing).counts.messages).to.be.at.least(2_001);
    expect([...statuses].sort()).to.deep.equal([200, 202]);
    const dumped = await dump(service.databaseUrl);
    expect(rowsWith(dumped, 'old-text')).to.deep.equal([]);
    expect(rowsWith(dumped, 'new-webhook')).to.have.length(1);
    const { data: written } = (await call('GET', '/api/messages?q=new-text')).body;
    expect(written).to.have.length.greaterThan(1);
    for (const message of written) expect([message.from, ...message.to]).to.include(to);
    expect(await idOf(to)).to.be.greaterThan(id);
  });
});

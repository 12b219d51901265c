import { createServer } from 'node:http';
import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import type { Call } from '../../src/simulator/store.ts';
import { email, mms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, SHORT_TIMEOUT, startHarness } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { until } from '../support/until.ts';

/**
 * Sets the state that a worker leaves if it dies between claim and settle: claimed, with an expired lease. Waits until the
 * message is queued, because the worker of the test may have claimed it.
 */
async function leaveClaimed({ databaseUrl }: Harness, id: number): Promise<void> {
  const claim = `
    update deliveries
    set status = 'sending', provider = 'text-co', attempt_count = attempt_count + 1,
        next_attempt_at = now() - interval '1 second'
    where message_id = $1 and status = 'queued' returning message_id`;
  await until(async () => (await query(databaseUrl, claim, [id])).length === 1, 'the message is claimed');
}

describe('Delivery', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness();
  });
  afterEach(() => service.stop());

  const send = async (body: object = sms): Promise<Message> =>
    (await service.request('POST', '/api/messages/send', body)).body;
  const attempts = async (id: number) => (await service.request('GET', `/api/messages/${id}/attempts`)).body;
  const faults = (list: object[]) => service.control('PUT', '/_control/faults', list);

  it('sends each type of message to its provider, and records the receipts', async () => {
    const sent = [
      await send(sms),
      await send(mms),
      await send({
        ...email,
        subject: 'Hi',
        cc: 'c@x.org'.split(','),
        bcc: ['d@x.org'],
        reply_to: 'r@x.org',
      }),
    ];
    for (const { id } of sent) await service.untilStatus(id, 'delivered');
    const accepted = await service.accepted();
    expect(accepted.map(({ channel }) => channel).sort()).to.deep.equal(['email', 'sms', 'sms']);
    expect(accepted.find(({ channel }) => channel === 'email')?.request).to.deep.include({
      from: email.from,
      to: email.to,
      cc: ['c@x.org'],
      bcc: ['d@x.org'],
      reply_to: 'r@x.org',
      subject: 'Hi',
      body: email.body,
    });
    expect(accepted.find(({ request }) => request.type === 'mms')?.request).to.deep.include({
      attachments: mms.attachments,
      to: mms.to,
    });
  });

  it('records the time, account, duration and response of each attempt', async () => {
    const { id, created_at } = await send();
    await service.untilStatus(id, 'delivered');
    const { data, next_cursor } = await attempts(id);
    expect(data).to.have.length(1);
    expect(data[0]).to.include({
      number: 1,
      provider: 'text-co',
      outcome: 'accepted',
      http_status: 202,
      code: null,
      next_attempt_at: null,
    });
    expect(data[0].started_at >= created_at).to.equal(true);
    expect(data[0].duration_ms).to.be.within(0, Date.now() - Date.parse(created_at));
    expect(data[0].provider_message_id).to.match(/^sms_/);
    expect(next_cursor).to.equal(null);
  });

  it('sends a message once after 500 twice and 429 with Retry-After: 1', async () => {
    await faults([
      { channel: 'sms', type: 'status', status: 500, times: 2 },
      { channel: 'sms', type: 'status', status: 429, retry_after: 1, times: 1 },
    ]);
    const { id } = await send();
    await service.untilStatus(id, 'delivered');
    const accepted = await service.accepted();
    expect(accepted).to.have.length(1);
    const { data: calls } = await service.control<{ data: Call[] }>('GET', '/_control/calls');
    expect(calls.map(({ status }) => status)).to.deep.equal([500, 500, 429, 202]);
    expect(new Set(calls.map(({ idempotency_key }) => idempotency_key)).size).to.equal(1);
    expect((calls[3]?.at ?? 0) - (calls[2]?.at ?? 0)).to.be.at.least(1_000);
    const { data } = await attempts(id);
    expect(data.map((attempt: { outcome: string }) => attempt.outcome)).to.deep.equal([
      'throttled',
      'accepted',
    ]);
    expect(data[0].next_attempt_at).to.be.a('string');
  });

  it('fails a message that the provider rejects, with the reason', async () => {
    const { id } = await send({ ...sms, to: '+18040000009' });
    const failed = await service.untilStatus(id, 'failed');
    expect(failed.error?.code).to.equal('invalid_recipient');
    expect((await attempts(id)).data[0]).to.include({
      outcome: 'rejected',
      http_status: 400,
      code: 'invalid_recipient',
    });
  });

  it('fails a rejected message if the reason has characters that PostgreSQL cannot store', async () => {
    const refusing = createServer((_request, response) => {
      response.statusCode = 400;
      response.end(JSON.stringify({ error: { code: 'no\0', message: 'N\0o\ud800' } }));
    });
    const port = await listen(refusing);
    const other = await startHarness({ TEXT_CO_URL: `http://127.0.0.1:${port}` });
    const { id } = (await other.request('POST', '/api/messages/sms', sms)).body;
    expect((await other.untilStatus(id, 'failed')).error).to.deep.equal({
      code: 'http_400',
      detail: 'No\ufffd',
      class: 'provider_error',
      url: null,
    });
    await other.stop();
    refusing.close();
  });

  it('marks a message as undelivered after an undelivered receipt', async () => {
    const { id } = await send({ ...sms, to: '+18040000008' });
    expect((await service.untilStatus(id, 'undelivered')).error?.code).to.equal('30003');
  });

  for (const type of ['lost_response', 'malformed', 'timeout', 'reset']) {
    it(`sends once if the response is lost: ${type}`, async () => {
      const other = await startHarness(SHORT_TIMEOUT);
      await other.control('PUT', '/_control/faults', [{ channel: 'sms', type, times: 1 }]);
      const { id } = (await other.request('POST', '/api/messages/sms', sms)).body;
      await other.untilStatus(id, 'delivered');
      expect(await other.accepted()).to.have.length(1);
      await other.stop();
    });
  }

  it('sends once if the provider is still processing the first request', async () => {
    await faults([
      { channel: 'sms', type: 'malformed', times: 1 },
      { channel: 'sms', type: 'status', status: 409, times: 1 },
    ]);
    const { id } = await send();
    await service.untilStatus(id, 'delivered');
    expect(await service.accepted()).to.have.length(1);
    const { data } = await attempts(id);
    expect(
      data.map(({ outcome, http_status }: { outcome: string; http_status: number }) => [
        outcome,
        http_status,
      ]),
    ).to.deep.equal([
      ['unknown', 202],
      ['unknown', 409],
      ['accepted', 202],
    ]);
  });

  it('keeps the order of a conversation while the first message is retried', async () => {
    await faults([{ channel: 'sms', type: 'status', status: 503, times: 4 }]);
    const sent = [];
    for (const body of ['one', 'two', 'three', 'four']) sent.push(await send({ ...sms, body }));
    await service.untilStatus(sent[3]?.id ?? 0, 'delivered');
    expect((await service.accepted()).map(({ request }) => request.body)).to.deep.equal([
      'one',
      'two',
      'three',
      'four',
    ]);
  });

  it('does not delay other conversations', async () => {
    await faults([{ channel: 'sms', type: 'latency', ms: 3_000, times: 1 }]);
    const slow = await send();
    const quick = await send({ ...sms, to: '+18045550001' });
    await service.untilStatus(quick.id, 'delivered');
    expect((await service.request('GET', `/api/messages/${slow.id}`)).body.status).to.equal('sending');
    await service.untilStatus(slow.id, 'delivered');
  });

  it('continues at one provider while most calls hang at another', async () => {
    const other = await startHarness({
      ...{ DELIVERY_CONCURRENCY: '8', PROVIDER_TIMEOUT_MS: '10000', STOP_TIMEOUT_MS: '1000' },
    });
    await other.control('PUT', '/_control/faults', [{ channel: 'email', type: 'timeout' }]);
    const hanging = Array.from({ length: 5 }, (_, n) =>
      other.request('POST', '/api/messages/email', { ...email, to: `someone-${n}@example.com` }),
    );
    const accepted = await Promise.all(hanging);
    expect(accepted.map(({ status }) => status)).to.deep.equal([202, 202, 202, 202, 202]);
    const ids = accepted.map(({ body }) => body.id);
    for (const id of ids) await other.untilStatus(id, 'sending');
    const text = await other.request('POST', '/api/messages/sms', sms);
    expect(text.status).to.equal(202);
    await other.untilStatus(text.body.id, 'delivered');
    expect((await other.request('GET', `/api/messages/${ids[0]}`)).body.status).to.equal('sending');
    await other.stop();
  });

  it('repeats the message of a dead worker with the same delivery key', async () => {
    await faults([{ channel: 'sms', type: 'status', status: 503 }]);
    const { id } = await send();
    await until(async () => (await attempts(id)).data.length > 0, 'a first attempt');
    await leaveClaimed(service, id);
    await faults([]);
    await service.untilStatus(id, 'delivered');
    const [row] = await query<{ may_have_been_sent: boolean }>(
      service.databaseUrl,
      'select may_have_been_sent from deliveries where message_id = $1',
      [id],
    );
    expect(row?.may_have_been_sent).to.equal(true);
    expect(await service.accepted()).to.have.length(1);
    const { data } = await attempts(id);
    expect(data.map(({ number }: { number: number }) => number)).to.deep.equal(
      Array.from(data, (_, n) => n + 1),
    );
    const lost = data.filter(({ code }: { code: string }) => code === 'worker_lost');
    expect(lost).to.have.length(1);
    expect(lost[0]).to.include({
      outcome: 'unknown',
      provider: 'text-co',
      duration_ms: null,
      http_status: null,
    });
    const next = data[lost[0].number];
    expect(Date.parse(lost[0].next_attempt_at)).to.be.within(
      Date.parse(lost[0].started_at),
      Date.parse(next.started_at),
    );
  });

  it('settles the calls in progress before it stops', async () => {
    await faults([{ channel: 'sms', type: 'latency', ms: 200 }]);
    const { id } = await send();
    await until(
      async () => (await service.control<{ data: Call[] }>('GET', '/_control/calls')).data.length > 0,
      'the provider is called',
    );
    await service.service.stop();
    const [row] = await query<{ status: string }>(
      service.databaseUrl,
      'select status from deliveries where message_id = $1',
      [id],
    );
    expect(row?.status).to.equal('sent');
  });
});

describe('Delivery by a provider without idempotency keys', () => {
  let service: Harness;
  const start = async (environment: Record<string, string>, settings: object) => {
    // A look-up is made only after the timeout of a call.
    service = await startHarness({
      ...{ PROVIDER_TIMEOUT_MS: '2000', TEXT_CO_IDEMPOTENCY_KEYS: 'false', ...environment },
    });
    await service.control('PUT', '/_control/settings', { honour_idempotency_keys: false, ...settings });
  };
  afterEach(() => service.stop());

  it('looks a message up before it sends it again', async () => {
    await start({}, {});
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'lost_response', times: 1 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'delivered');
    expect(await service.accepted()).to.have.length(1);
  });

  it('sends a message again if the look-up does not find it', async () => {
    await start({}, {});
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'timeout', times: 1 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'delivered');
    expect(await service.accepted()).to.have.length(1);
  });

  it('leaves a message unknown if the provider has no look-up', async () => {
    await start({ TEXT_CO_CAN_LOOK_UP: 'false' }, { lookup: false });
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'lost_response', times: 1 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    const unknown = await service.untilStatus(id, 'unknown');
    expect(unknown.error?.code).to.be.a('string');
    expect(await service.accepted()).to.have.length(1);
  });

  it('leaves the message of a dead worker unknown if the provider has no look-up', async () => {
    await start({ TEXT_CO_CAN_LOOK_UP: 'false' }, { lookup: false });
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'status', status: 503 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await until(
      async () => (await query(service.databaseUrl, 'select from delivery_attempts')).length > 0,
      'a first attempt',
    );
    await leaveClaimed(service, id);
    expect((await service.untilStatus(id, 'unknown')).error?.code).to.equal('may_have_been_sent');
    expect(await service.accepted()).to.have.length(0);
    const { data } = (await service.request('GET', `/api/messages/${id}/attempts`)).body;
    expect(data.slice(-2).map(({ code }: { code: string }) => code)).to.deep.equal([
      'worker_lost',
      'may_have_been_sent',
    ]);
  });

  it('replaces the status unknown with a late result', async () => {
    await start({ TEXT_CO_CAN_LOOK_UP: 'false', PROVIDER_TIMEOUT_MS: '30000' }, { lookup: false });
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 5_000 }]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'sending');
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now()');
    await service.untilStatus(id, 'unknown');
    const attempts = async () => (await service.request('GET', `/api/messages/${id}/attempts`)).body.data;
    const [lost, second] = await attempts();
    expect(lost).to.include({ number: 1, outcome: 'unknown', code: 'worker_lost', duration_ms: null });
    expect((await service.untilStatus(id, 'delivered')).error).to.equal(null);
    const [accepted] = await service.accepted();
    const [first, ...others] = await attempts();
    expect(first).to.include({
      number: 1,
      outcome: 'accepted',
      provider_message_id: accepted?.id,
      code: null,
    });
    expect(first.duration_ms).to.be.at.least(5_000);
    expect(first.next_attempt_at, 'the time of the second attempt').to.equal(lost.next_attempt_at);
    expect(others).to.deep.equal([second]);
  });

  it('ends a later attempt with the late acceptance of an earlier attempt', async () => {
    await start({ PROVIDER_TIMEOUT_MS: '30000' }, {});
    const slow = { channel: 'sms', type: 'latency', times: 1 };
    await service.control('PUT', '/_control/faults', [
      { ...slow, ms: 3_000 },
      // The look-up of the second attempt has no response before the first attempt has one.
      { channel: 'sms', type: 'timeout', applies_to: 'lookup' },
    ]);
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    await service.untilStatus(id, 'sending');
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now()');
    await until(
      async () =>
        (await query(service.databaseUrl, 'select from deliveries where attempt_count = 2')).length > 0,
      'another attempt is claimed',
    );
    const { provider_message_id } = await service.untilStatus(id, 'delivered');
    expect((await service.accepted()).map((message) => message.id)).to.deep.equal([provider_message_id]);
  });
});

import { expect } from 'chai';
import { until } from '../support/until.ts';
import { email, errorCodeOf, keyed, type Play, request, sms, startPlay } from './support.ts';

describe('A fault', () => {
  let play: Play;
  beforeEach(async () => {
    play = await startPlay();
  });
  afterEach(() => play.stop());

  it('of type status answers with its status and Retry-After, and no message is accepted', async () => {
    await play.faults({ channel: 'sms', type: 'status', status: 503, retry_after: 7 });
    const { status, headers, body } = await play.send();
    expect(status).to.equal(503);
    expect(headers.get('retry-after')).to.equal('7');
    expect(body.error).to.have.all.keys('code', 'message');
    expect(await play.accepted()).to.deep.equal([]);
  });

  it('of type latency delays the response, and further faults apply', async () => {
    await play.faults(
      { channel: 'sms', type: 'latency', ms: 80, times: 2 },
      { channel: 'sms', type: 'status', status: 500, times: 1 },
    );
    const statuses = [];
    const start = performance.now();
    for (let time = 0; time < 2; time++) statuses.push((await play.send()).status);
    expect(performance.now() - start).to.be.at.least(155);
    expect(statuses).to.deep.equal([500, 202]);
  });

  it('of type timeout never answers, until the client disconnects', async () => {
    await play.faults({ channel: 'sms', type: 'timeout' });
    const abort = new AbortController();
    const attempt = fetch(`${play.url}/sms/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sms),
      signal: abort.signal,
    });
    await until(async () => (await play.calls())[0]?.fault === 'timeout', 'the call is in the log');
    abort.abort();
    expect(await errorCodeOf(attempt)).to.equal('AbortError');
    expect(await play.calls()).to.have.nested.property('[0].status', null);
    expect(await play.accepted()).to.deep.equal([]);
  });

  it('of type timeout ends when the simulator stops', async () => {
    await play.faults({ channel: 'sms', type: 'timeout' });
    const attempt = errorCodeOf(play.send());
    await until(async () => (await play.calls())[0]?.fault === 'timeout', 'the call is in the log');
    await play.stop();
    expect(await attempt).to.be.a('string');
    play = await startPlay();
  });

  it('of type reset resets the connection, and no message is accepted', async () => {
    await play.faults({ channel: 'sms', type: 'reset', times: 1 });
    expect(await errorCodeOf(play.send())).to.equal('ECONNRESET');
    expect(await play.accepted()).to.deep.equal([]);
    expect((await play.send()).status).to.equal(202);
  });

  it('of type lost_response accepts the message without a response', async () => {
    await play.faults({ channel: 'email', type: 'lost_response', times: 1 });
    expect(await errorCodeOf(play.send(email, 'one'))).to.equal('UND_ERR_SOCKET');
    const [message] = await play.accepted();
    expect((await play.send(email, 'one')).body.id).to.equal(message?.id);
    expect(await play.accepted()).to.have.lengthOf(1);
  });

  it('of type lost_response accepts no message that the provider would refuse', async () => {
    await play.faults({ channel: 'sms', type: 'lost_response' });
    expect(await errorCodeOf(play.send({ ...sms, to: '+18040000009' }))).to.equal('UND_ERR_SOCKET');
    expect(await play.accepted()).to.deep.equal([]);
  });

  it('of type malformed accepts the message and answers invalid JSON', async () => {
    await play.faults({ channel: 'sms', type: 'malformed' });
    const { status, headers, body } = await play.send();
    expect(status).to.equal(202);
    expect(headers.get('content-type')).to.match(/json/);
    expect(body).to.be.a('string');
    expect(await play.accepted()).to.have.lengthOf(1);
  });

  it('affects its own channel only, at most `times` requests, in the order of the list', async () => {
    await play.faults(
      { channel: 'sms', type: 'status', status: 500, times: 1 },
      { channel: 'sms', type: 'status', status: 429, times: 1 },
    );
    expect((await play.send(email)).status).to.equal(202);
    const statuses = [];
    for (let time = 0; time < 3; time++) statuses.push((await play.send()).status);
    expect(statuses).to.deep.equal([500, 429, 202]);
    const { body } = await play.call('GET', '/_control/faults');
    expect(body.map(({ times }: { times: number }) => times)).to.deep.equal([0, 0]);
  });

  it('affects look-ups only if it applies to look-ups', async () => {
    const look = async () => (await play.call('GET', '/sms/messages?idempotency_key=one')).status;
    await play.faults({ channel: 'sms', type: 'status', status: 500 });
    expect(await look()).to.equal(200);
    await play.faults({ channel: 'sms', type: 'status', status: 500, applies_to: 'lookup' });
    expect([await look(), (await play.send()).status]).to.deep.equal([500, 202]);
    await play.faults({ channel: 'sms', type: 'status', status: 500, applies_to: 'all' });
    expect([await look(), (await play.send()).status]).to.deep.equal([500, 500]);
  });

  it('of type no_id answers success without an id, and no message is accepted', async () => {
    await play.faults(
      { channel: 'sms', type: 'no_id', times: 1 },
      { channel: 'sms', type: 'no_id', status: 202 },
    );
    for (const expected of [200, 202]) {
      const { status, body } = await play.send();
      expect([status, body.id]).to.deep.equal([expected, undefined]);
    }
    expect(await play.accepted()).to.deep.equal([]);
  });

  it('with a recipient affects messages to that recipient only', async () => {
    const fault = { channel: 'sms', type: 'status', status: 500, applies_to: 'all' };
    await play.faults({ ...fault, recipient: '+1804555666' });
    const statuses = [];
    for (const to of ['+18045556661', '+18045551234', ['+18045551234', '+18045556662'], []])
      statuses.push((await play.send({ ...sms, to })).status);
    const lookUp = await play.call('GET', '/sms/messages?idempotency_key=one');
    expect([...statuses, lookUp.status]).to.deep.equal([500, 202, 500, 400, 200]);
    await play.faults({ channel: 'email', type: 'reset', recipient: '@failing.example' });
    expect(await errorCodeOf(play.send({ ...email, to: 'ada@failing.example' }))).to.equal('ECONNRESET');
    expect((await play.send(email)).status).to.equal(202);
  });

  it('is in the log of calls', async () => {
    await play.faults({ channel: 'sms', type: 'status', status: 503, times: 1 });
    await play.send(sms, 'one');
    await play.send(sms, 'one');
    const call = { method: 'POST', path: '/sms/messages', channel: 'sms', idempotency_key: 'one' };
    const [first, second] = await play.calls();
    expect(first).to.include({ ...call, fault: 'status', status: 503 });
    expect(second).to.include({ ...call, fault: null, status: 202 });
  });
});

describe('The seed', () => {
  const plays: Play[] = [];
  afterEach(async () => {
    for (const play of plays.splice(0)) await play.stop();
  });

  async function faultsWith(seed: number): Promise<number[]> {
    const play = await startPlay({ settings: { seed, receipts: { enabled: false } } });
    plays.push(play);
    return faultsOf(play);
  }

  async function faultsOf({ faults, send }: Play): Promise<number[]> {
    await faults({ channel: 'sms', type: 'status', status: 500, probability: 0.3 });
    const statuses = [];
    for (let time = 0; time < 40; time++) statuses.push((await send()).status);
    return statuses;
  }

  it('determines the faults', async () => {
    const first = await faultsWith(7);
    expect(new Set(first)).to.deep.equal(new Set([202, 500]));
    expect(await faultsWith(7)).to.deep.equal(first);
    expect(await faultsWith(8)).not.to.deep.equal(first);
  });

  it('applies again from the start after a reset', async () => {
    const first = await faultsWith(7);
    const play = plays[0] as Play;
    await request(`${play.url}/_control/reset`, 'POST');
    expect(await faultsOf(play)).to.deep.equal(first);
  });

  it('does not determine the ids, which differ between two runs', async () => {
    await faultsWith(7);
    await faultsWith(7);
    const ids = (await Promise.all(plays.map((play) => play.accepted()))).flat().map(({ id }) => id);
    expect(new Set(ids)).to.have.lengthOf(ids.length);
  });

  it('determines the faults of requests with different durations', async () => {
    const [play, other] = [await startPlay(), await startPlay()];
    plays.push(play, other);
    const coin = { channel: 'sms', type: 'status', status: 500, probability: 0.5 };
    await play.faults({ channel: 'sms', type: 'latency', ms: 50, times: 1 }, coin);
    await other.faults(coin);
    const statuses = async ({ url, calls }: Play) => {
      const answers: Promise<{ status: number }>[] = [];
      for (let time = 1; time <= 12; time++) {
        answers.push(request(`${url}/sms/messages`, 'POST', sms, keyed(String(time))));
        await until(async () => (await calls()).length === time, 'the call is in the log');
      }
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    expect(await statuses(play)).to.deep.equal(await statuses(other));
  });
});

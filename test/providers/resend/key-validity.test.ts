import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import type { Accepted } from '../../../src/simulator/store.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const API_KEY = 're_0123456789abcdef';

describe('An idempotency key of Resend', () => {
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    simulator = await startSimulator({ apiKey: API_KEY, settings: { receipts: { enabled: false } } });
    service = await startHarness({
      ...{ EMAIL_PROVIDERS: 'resend', RESEND_URL: `${simulator.url}/resend`, RESEND_API_KEY: API_KEY },
    });
  });
  after(async () => {
    await service?.stop();
    await simulator.stop();
  });

  const control = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method, headers, ...(body && { body: JSON.stringify(body) }) },
    });
    return (await response.json()) as T;
  };
  const accepted = async () => (await control<{ data: Accepted[] }>('GET', 'messages')).data;
  const send = async (changes: object = {}): Promise<number> => {
    const timestamp = new Date().toISOString();
    const email = { from: 'shop@example.com', to: 'ada@example.net', body: 'Hello', timestamp, ...changes };
    return (await service.request('POST', '/api/messages/email', email)).body.id;
  };
  // Each call is accepted, and its response is lost in a gateway.
  const lost = { channel: 'email', dialect: 'resend', type: 'status', status: 504, accepted: true };
  const attempts = async (id: number): Promise<{ outcome: string }[]> =>
    (await service.request('GET', `/api/messages/${id}/attempts`)).body.data;

  it('is used again for a day after the first uncertain call, and not later', async () => {
    await control('PUT', 'faults', [lost]);
    const id = await send();
    await until(async () => (await attempts(id)).length >= 2, 'the call is repeated');
    expect(await accepted()).to.have.lengthOf(1);
    const age =
      "update delivery_attempts set started_at = started_at - interval '25 hours' where message_id = $1";
    await query(service.databaseUrl, age, [id]);
    const { error } = await service.untilStatus(id, 'unknown');
    expect(error).to.include({ code: 'may_have_been_sent' });
    expect(error?.detail).to.include('idempotency key');
    const calls = async () => (await control<{ data: object[] }>('GET', 'calls')).data.length;
    const before = await calls();
    await control('PUT', 'faults', []);
    expect((await attempts(id)).at(-1)).to.include({ outcome: 'unknown' });
    expect([await calls(), (await accepted()).length]).to.deep.equal([before, 1]);
  });

  it('has the same thread in each call, although the answered email gets another Message-ID meanwhile', async () => {
    const answered = await send({ to: 'grace@example.net' });
    await service.untilStatus(answered, 'sent');
    await control('PUT', 'faults', [lost]);
    const id = await send({ to: 'grace@example.net', reply_to_message_id: answered });
    await until(async () => (await attempts(id)).length >= 1, 'the first call has no response');
    const replace = 'update emails set wire_message_id = $2 where message_id = $1';
    await query(service.databaseUrl, replace, [answered, 'replaced@resend.example']);
    await control('PUT', 'faults', []);
    // The simulator refuses a key with another request, as Resend does.
    await service.untilStatus(id, 'sent');
    expect((await accepted()).at(-1)?.request_count).to.be.greaterThan(1);
  });
});

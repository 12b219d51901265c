import { createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { THRESHOLD } from '../../src/outbox/circuit-breaker.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { until } from '../support/until.ts';

describe('Delivery by the first of several providers', () => {
  let service: Harness;
  let spare: Simulator;
  beforeEach(async () => {
    spare = await startSimulator({
      apiKey: 'spare-key',
      settings: { provider_name: 'spare-co', receipts: { delay_ms: 5 } },
    });
    service = await startHarness({
      SMS_PROVIDERS: 'text-co,spare-co',
      SPARE_CO_URL: spare.url,
      SPARE_CO_KEY: 'spare-key',
    });
    await ofSpare('PUT', 'settings', { service_url: service.url });
  });
  afterEach(async () => {
    await service.stop();
    await spare.stop();
  });

  const ofSpare = async <T>(method: string, path: string, body?: object): Promise<T[]> => {
    const headers = { 'content-type': 'application/json' };
    const options = body ? { method, headers, body: JSON.stringify(body) } : { method };
    const response = await fetch(`${spare.url}/_control/${path}`, options);
    return ((await response.json()) as { data: T[] }).data;
  };
  const faults = (list: object[]) => service.control('PUT', '/_control/faults', list);
  let sent = 0;
  const send = async (): Promise<number> =>
    (await service.request('POST', '/api/messages/sms', { ...sms, to: `+1804555${1_000 + sent++}` })).body.id;
  const attempts = async (id: number): Promise<{ provider: string; outcome: string }[]> =>
    (await service.request('GET', `/api/messages/${id}/attempts`)).body.data;
  const outage = [{ channel: 'sms', type: 'status', status: 503 }];

  it('sends nothing through the other accounts', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, send));
    for (const id of ids) await service.untilStatus(id, 'delivered');
    expect(await ofSpare('GET', 'calls')).to.have.length(0);
  });

  it('fails over to the next account within one breaker threshold, and sends no message twice', async () => {
    await faults(outage);
    const first = await Promise.all(Array.from({ length: THRESHOLD }, send));
    for (const id of first) {
      await service.untilStatus(id, 'delivered');
      expect((await attempts(id)).map(({ provider, outcome }) => [provider, outcome])).to.deep.equal([
        ['text-co', 'unavailable'],
        ['spare-co', 'accepted'],
      ]);
    }
    const before = (await service.control<{ data: unknown[] }>('GET', '/_control/calls')).data.length;
    const later = await Promise.all(Array.from({ length: 20 }, send));
    for (const id of later) await service.untilStatus(id, 'delivered');
    const attemptsOfLater = await Promise.all(later.map(attempts));
    // All messages except the occasional probes.
    expect(attemptsOfLater.filter((list) => list[0]?.provider === 'spare-co').length).to.be.least(18);
    const probes =
      (await service.control<{ data: unknown[] }>('GET', '/_control/calls')).data.length - before;
    expect(probes).to.be.at.most(2);
    expect(await service.accepted()).to.have.length(0);
    const accepted = await ofSpare<{ idempotency_key: string }>('GET', 'messages');
    expect(new Set(accepted.map((message) => message.idempotency_key)).size).to.equal(accepted.length);
    expect(accepted).to.have.length(THRESHOLD + 20);
  });

  it('fails over if the first provider accepts connections and does not respond', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket));
    const port = await listen(silent);
    const other = await startHarness({
      // A third of this timeout is the limit for a connection.
      PROVIDER_TIMEOUT_MS: '3000',
      SMS_PROVIDERS: 'text-co,spare-co',
      TEXT_CO_URL: `https://127.0.0.1:${port}`,
      SPARE_CO_URL: spare.url,
      SPARE_CO_KEY: 'spare-key',
    });
    const { id } = (await other.request('POST', '/api/messages/sms', sms)).body;
    await other.untilStatus(id, 'sent');
    const { data } = (await other.request('GET', `/api/messages/${id}/attempts`)).body;
    expect(data.map(({ provider }: { provider: string }) => provider)).to.deep.equal(['text-co', 'spare-co']);
    await other.stop();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('fails over after an operator error: 402, 405, 407, 415', async () => {
    for (const status of [402, 405, 407, 415]) {
      await faults([{ channel: 'sms', type: 'status', status, times: 1 }]);
      const id = await send();
      await service.untilStatus(id, 'delivered');
      expect((await attempts(id)).map(({ provider, outcome }) => [provider, outcome])).to.deep.equal([
        ['text-co', 'unavailable'],
        ['spare-co', 'accepted'],
      ]);
    }
  });

  it('does not fail over after a gateway had no response: 520, 522, 524, 598, 599', async () => {
    for (const status of [520, 522, 524, 598, 599]) {
      // One fault for each request of the call: the first request and two repeats.
      await faults([{ channel: 'sms', type: 'status', status, retry_after: 0, times: 3 }]);
      const id = await send();
      await service.untilStatus(id, 'delivered');
      expect((await attempts(id)).map(({ provider, outcome }) => [provider, outcome])).to.deep.equal([
        ['text-co', 'unknown'],
        ['text-co', 'accepted'],
      ]);
    }
    expect(await ofSpare('GET', 'messages')).to.have.length(0);
  });

  it('returns to the first account when its provider is available again', async () => {
    await faults(outage);
    for (const id of await Promise.all(Array.from({ length: THRESHOLD }, send)))
      await service.untilStatus(id, 'delivered');
    await faults([]);
    await until(async () => {
      const id = await send();
      await service.untilStatus(id, 'delivered');
      return (await attempts(id))[0]?.provider === 'text-co';
    }, 'a message is sent by the first provider again');
    const { body } = await service.request('GET', '/metrics');
    expect(body).to.match(/messaging_provider_breaker_state\{provider="text-co"\} 0/);
    expect(body).to.match(
      /messaging_delivery_attempt_seconds_count\{provider="text-co",outcome="unavailable"\} [5-9]/,
    );
  });

  it('does not fail over if the first provider may have accepted the message', async () => {
    await faults([{ channel: 'sms', type: 'lost_response', times: 1 }, ...outage]);
    const id = await send();
    await until(async () => (await attempts(id)).length > 0, 'a first attempt');
    await until(async () => (await service.accepted()).length === 1, 'the provider accepts the message');
    await faults([]);
    await service.untilStatus(id, 'delivered');
    expect((await attempts(id)).every(({ provider }) => provider === 'text-co')).to.equal(true);
    expect((await service.accepted()).map(({ request_count }) => request_count > 1)).to.deep.equal([true]);
    expect(await ofSpare('GET', 'messages')).to.have.length(0);
  });

  it('10 minutes after they were due, ends messages that a removed account may have sent as unknown and sends the others through another account', async () => {
    await service.service.stop();
    const setState = (id: number, status: string) =>
      query(
        service.databaseUrl,
        `update deliveries set provider = 'gone-co', status = $2, attempt_count = 1, next_attempt_at = now() - interval '11 minutes' where message_id = $1`,
        [id, status],
      );
    const api = await startHarness({ ROLE: 'api', DATABASE_URL: service.databaseUrl });
    const ids: number[] = [];
    for (const to of ['+18045559001', '+18045559002'])
      ids.push((await api.request('POST', '/api/messages/sms', { ...sms, to })).body.id);
    await api.stop();
    await setState(ids[0] as number, 'sending');
    await setState(ids[1] as number, 'queued');
    const after = await startHarness({ DATABASE_URL: service.databaseUrl });
    expect((await after.untilStatus(ids[0] as number, 'unknown')).error?.code).to.equal('provider_removed');
    const { data } = (await after.request('GET', `/api/messages/${ids[0]}/attempts`)).body;
    expect(data).to.have.length(1);
    expect(data[0]).to.include({ provider: 'gone-co', code: 'worker_lost', next_attempt_at: null });
    const metrics = (await after.request('GET', '/metrics')).body;
    expect(metrics).to.match(/messaging_messages_given_up_total\{.*class="account_problem"\} 1/);
    expect(metrics, 'the breaker of the remaining account').to.match(
      /messaging_provider_breaker_state\{provider="text-co"\} 0/,
    );
    await after.untilStatus(ids[1] as number, 'delivered');
    await after.stop();
  });
});

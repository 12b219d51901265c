import { expect } from 'chai';
import { startSimulator } from '../../src/simulator/server.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

/** Numbers for which the provider fails (`bad`) or not (`good`). */
const bad = (n: number) => `+1804666${1_000 + n}`;
const good = (n: number) => `+1804555${1_000 + n}`;
const BAD = '+1804666';
/** Less than the delay of all messages by a breaker that stays open. */
const WAIT_MS = 45_000;

/** The ways in which a provider fails for some recipients only. */
const FAULTS: Record<string, object> = {
  'answers 200 without an id': { type: 'no_id' },
  'answers invalid JSON': { type: 'malformed' },
  'never answers': { type: 'timeout' },
  'answers 500': { type: 'status', status: 500 },
  'answers 524': { type: 'status', status: 524 },
  'answers 402': { type: 'status', status: 402 },
  'answers 429': { type: 'status', status: 429 },
  'answers 429 with Retry-After: 1': { type: 'status', status: 429, retry_after: 1 },
  'breaks the connection': { type: 'reset' },
};

describe('A provider that fails for some recipients only', function () {
  this.timeout(120_000);
  let service: Harness;
  afterEach(() => service.stop());

  const start = async (fault: object, environment: Record<string, string> = {}) => {
    service = await startHarness({ PROVIDER_TIMEOUT_MS: '2000', STOP_TIMEOUT_MS: '1000', ...environment });
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', recipient: BAD, ...fault }]);
  };
  const send = async (to: string, more: object = {}): Promise<number> =>
    (await service.request('POST', '/api/messages/sms', { ...sms, ...more, to })).body.id;
  const sendAll = (numbers: string[], more: object = {}) =>
    Promise.all(numbers.map((number) => send(number, more)));
  const many = (count: number, number: (n: number) => string, from = 0) =>
    Array.from({ length: count }, (_, n) => number(from + n));
  const acceptedGood = async () =>
    (await service.accepted()).filter(({ request }) => !String(request.to).startsWith(BAD));
  const allGoodAccepted = (count: number) =>
    until(async () => (await acceptedGood()).length >= count, `${count} good messages are sent`, WAIT_MS);
  const attempted = (ids: number[], times = 1) =>
    until(
      async () => {
        const rows = await query<{ n: number }>(
          service.databaseUrl,
          `select count(*)::int as n from deliveries
         where message_id = any($1) and (select count(*) from delivery_attempts as attempt
           where attempt.message_id = deliveries.message_id) >= $2`,
          [ids, times],
        );
        return rows[0]?.n === ids.length;
      },
      `each message has ${times} attempts`,
      WAIT_MS,
    );

  const stateOf = async (provider: string) => {
    const metrics = (await service.request('GET', '/metrics')).body;
    return Number(
      new RegExp(`messaging_provider_breaker_state{provider="${provider}"} (\\d)`).exec(metrics)?.[1],
    );
  };

  for (const [failure, fault] of Object.entries(FAULTS)) {
    it(`and ${failure} for 5 recipients does not delay 30 others`, async () => {
      await start(fault);
      await attempted(await sendAll(many(5, bad)));
      await sendAll(many(30, good));
      await allGoodAccepted(30);
      expect(await acceptedGood()).to.have.length(30);
    });
  }

  it('does not delay others while 20 recipients hang, nor after their calls timed out', async () => {
    await start({ type: 'timeout' }, { PROVIDER_TIMEOUT_MS: '5000', DELIVERY_CONCURRENCY: '32' });
    const hanging = await sendAll(many(20, bad));
    for (const id of hanging) await service.untilStatus(id, 'sending');
    await sendAll(many(30, good));
    await allGoodAccepted(30);
    await attempted(hanging);
    await sendAll(many(30, good, 30));
    await allGoodAccepted(60);
    expect(await acceptedGood()).to.have.length(60);
  });

  it('has a breaker that the first message to another recipient closes', async () => {
    await start({ type: 'no_id' });
    const failing = await sendAll(many(20, bad));
    await until(async () => (await stateOf('text-co')) > 0, 'the breaker is open', WAIT_MS);
    // Their retries are due repeatedly.
    await attempted(failing);
    await sendAll(many(30, good));
    await allGoodAccepted(30);
    const failed = await query<{ n: number }>(
      service.databaseUrl,
      `select count(*)::int as n from delivery_attempts
       where outcome <> 'accepted' and message_id <> all($1::bigint[])`,
      [failing],
    );
    expect(failed[0]?.n, 'failed attempts of messages to other recipients').to.equal(0);
  });

  it('leaves one of two providers available', async () => {
    const spare = await startSimulator({ settings: { receipts: { enabled: false } } });
    const spareFaults = [{ channel: 'sms', recipient: BAD, type: 'status', status: 402 }];
    await fetch(`${spare.url}/_control/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(spareFaults),
    });
    await start(
      { type: 'status', status: 402 },
      { SMS_PROVIDERS: 'text-co,spare-co', SPARE_CO_URL: spare.url, SPARE_CO_KEY: 'spare-key' },
    );
    // Due together: a first attempt after the breaker has opened would be with the other provider.
    const failing = await sendAll(many(20, bad), { send_at: new Date(Date.now() + 3_000).toISOString() });
    // One attempt with each provider.
    await attempted(failing, 2);
    expect(await stateOf('spare-co'), 'only messages that failed over have failed').to.equal(0);
    const ids = await sendAll(many(30, good));
    const sent = `select from deliveries where message_id = any($1) and status in ('sent', 'delivered')`;
    await until(
      async () => (await query(service.databaseUrl, sent, [ids])).length === 30,
      'the good messages are sent',
      WAIT_MS,
    );
    await spare.stop();
  });
});

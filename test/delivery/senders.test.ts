import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { THRESHOLD } from '../../src/outbox/circuit-breaker.ts';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Accepted } from '../../src/simulator/store.ts';
import { mms, sms } from '../support/bodies.ts';
import { createMigratedDatabase, query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

const NUMBERS = { a: '+12016660001', b: '+12016660002', shared: '+12016660003' };
const DOWN = { channel: 'sms', type: 'status', status: 503 };
const TOKEN = '0123456789abcdef0123456789abcdef';

/** A simulated provider behind one account. */
interface Provider {
  simulator: Simulator;
  setFaults(faults: object[]): Promise<unknown>;
  reset(): Promise<unknown>;
  /** The senders of the messages that it accepted. */
  senders(): Promise<string[]>;
}

async function startProvider(): Promise<Provider> {
  const simulator = await startSimulator({ apiKey: TOKEN, settings: { receipts: { enabled: false } } });
  const control = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as { data: Accepted[] };
  };
  return {
    simulator,
    setFaults: (faults) => control('PUT', 'faults', faults),
    reset: () => control('POST', 'reset'),
    senders: async () =>
      (await control('GET', 'messages')).data.map(({ request }) => String(request.from ?? request.From)),
  };
}

describe('Delivery by accounts with different senders', () => {
  let first: Provider;
  let second: Provider;
  let third: Provider;
  let service: Harness | undefined;
  before(async () => {
    [first, second, third] = await Promise.all([startProvider(), startProvider(), startProvider()]);
  });
  afterEach(async () => {
    await service?.stop();
    service = undefined;
    for (const provider of [first, second, third]) await provider.reset();
  });
  after(async () => {
    for (const { simulator } of [first, second, third]) await simulator.stop();
  });

  /** The accounts first-co, second-co and third-co, each with these senders; null if it is not configured. */
  const accounts = (...senders: (string | null)[]) => {
    const names = ['first', 'second', 'third'].filter((_name, index) => senders[index] != null);
    const settings = [first, second, third].map(({ simulator }, index) => {
      const prefix = ['FIRST_CO', 'SECOND_CO', 'THIRD_CO'][index];
      return {
        [`${prefix}_URL`]: simulator.url,
        [`${prefix}_KEY`]: TOKEN,
        [`${prefix}_SENDERS`]: senders[index] ?? '',
      };
    });
    return Object.assign({ SMS_PROVIDERS: names.map((name) => `${name}-co`).join() }, ...settings);
  };
  const start = async (environment: Record<string, string>) => {
    await service?.stop();
    service = await startHarness(environment);
    return service;
  };
  const running = () => service as Harness;
  let recipients = 0;
  const send = async (from: string, body: object = sms): Promise<number> => {
    const to = `+1804555${1_000 + recipients++}`;
    const answer = await running().request('POST', '/api/messages/sms', { ...body, ...{ from, to } });
    expect(answer.status, JSON.stringify(answer.body)).to.equal(202);
    return answer.body.id;
  };
  const get = async (id: number): Promise<Message> =>
    (await running().request('GET', `/api/messages/${id}`)).body;
  const attemptsOf = async (
    id: number,
  ): Promise<[provider: string, outcome: string, code: string | null][]> =>
    (await running().request('GET', `/api/messages/${id}/attempts`)).body.data.map(
      ({ provider, outcome, code }: Record<string, string>) => [provider, outcome, code],
    );
  /** Waits until the message waits for its next attempt: it is `sending` for a moment each time a worker claims it. */
  const untilWaiting = (id: number, code: string) =>
    until(async () => {
      const message = await get(id);
      return message.status === 'queued' && message.error?.code === code && message;
    }, `message ${id} is queued with the error ${code}`);

  it('sends each message through the Twilio account that has its number', async () => {
    const account = (prefix: string, { simulator }: Provider, senders: string) => ({
      [`${prefix}_URL`]: `${simulator.url}/twilio`,
      [`${prefix}_ACCOUNT_SID`]: ACCOUNT_SID,
      [`${prefix}_AUTH_TOKEN`]: TOKEN,
      [`${prefix}_SENDERS`]: senders,
    });
    await start({
      SMS_PROVIDERS: 'twilio,twilio_eu',
      ...account('TWILIO', first, NUMBERS.a),
      ...account('TWILIO_EU', second, NUMBERS.b),
    });
    const ids = await Promise.all([NUMBERS.a, NUMBERS.b, NUMBERS.b, NUMBERS.a].map((from) => send(from)));
    for (const id of ids) await running().untilStatus(id, 'sent');
    expect(await first.senders()).to.deep.equal([NUMBERS.a, NUMBERS.a]);
    expect(await second.senders()).to.deep.equal([NUMBERS.b, NUMBERS.b]);
  });

  it('sends a group through the account of a kind with groups only', async () => {
    await start({
      ...accounts(null, '*'),
      SMS_PROVIDERS: 'twilio,second-co',
      TWILIO_URL: `${first.simulator.url}/twilio`,
      TWILIO_ACCOUNT_SID: ACCOUNT_SID,
      TWILIO_AUTH_TOKEN: TOKEN,
    });
    const to = ['+18045550001', '+18045550002'];
    const { body } = await running().request('POST', '/api/messages/sms', { ...mms, to });
    await running().untilStatus(body.id, 'sent');
    expect(await attemptsOf(body.id)).to.deep.equal([['second-co', 'accepted', null]]);
    const single = await send(NUMBERS.a);
    await running().untilStatus(single, 'sent');
    expect((await get(single)).provider).to.equal('twilio');
  });

  it('fails over to the next account that has the sender, over an available account that does not', async () => {
    await start(
      accounts(`${NUMBERS.a},${NUMBERS.shared}`, NUMBERS.b, `${NUMBERS.a},${NUMBERS.b},${NUMBERS.shared}`),
    );
    await first.setFaults([DOWN]);
    const opening = await Promise.all(Array.from({ length: THRESHOLD }, () => send(NUMBERS.a)));
    for (const id of opening) {
      await running().untilStatus(id, 'sent');
      expect((await attemptsOf(id)).map(([provider]) => provider)).to.deep.equal(['first-co', 'third-co']);
    }
    // The breaker of the first account is open: nearly all messages go to the third account at once.
    const later = await Promise.all(Array.from({ length: 20 }, () => send(NUMBERS.shared)));
    for (const id of later) await running().untilStatus(id, 'sent');
    const firstAttempts = await Promise.all(later.map(async (id) => (await attemptsOf(id))[0]?.[0]));
    expect(firstAttempts.filter((provider) => provider === 'third-co').length).to.be.least(15);
    expect(firstAttempts).not.to.include('second-co');
    expect(await second.senders()).to.deep.equal([]);
  });

  it('waits for the only account that has the sender while another account is available', async () => {
    await start(accounts(NUMBERS.a, NUMBERS.b));
    await first.setFaults([DOWN]);
    const waiting = await Promise.all(Array.from({ length: THRESHOLD + 5 }, () => send(NUMBERS.a)));
    await until(
      async () =>
        /messaging_provider_breaker_state\{provider="first-co"\} [12]/.test((await metrics()) as string),
      'the first account is unavailable',
    );
    const other = await send(NUMBERS.b);
    await running().untilStatus(other, 'sent');
    for (const id of waiting) expect((await get(id)).status).to.be.oneOf(['queued', 'sending']);
    await first.setFaults([]);
    for (const id of waiting) {
      await running().untilStatus(id, 'sent');
      expect((await attemptsOf(id)).every(([provider]) => provider === 'first-co')).to.equal(true);
    }
    expect(await second.senders()).to.deep.equal([NUMBERS.b]);
  });
  const metrics = async () => (await running().request('GET', '/metrics')).body;

  describe('after a restart with other senders', () => {
    /** Messages of a and b that were accepted before the restart and are not sent. */
    const accept = async (environment: Record<string, string>) => {
      const databaseUrl = await createMigratedDatabase();
      await start({ ...environment, DATABASE_URL: databaseUrl, ROLE: 'api' });
      const ids = { a: await send(NUMBERS.a), b: await send(NUMBERS.b) };
      return { ids, restart: (other: object) => start({ ...other, DATABASE_URL: databaseUrl }) };
    };

    it('sends a message through the account that has the sender now, without a call to the other', async () => {
      const { ids, restart } = await accept(accounts(NUMBERS.a, NUMBERS.b));
      await restart(accounts(NUMBERS.b, NUMBERS.a));
      for (const [id, from, to] of [
        [ids.a, 'first-co', 'second-co'],
        [ids.b, 'second-co', 'first-co'],
      ] as const) {
        await running().untilStatus(id, 'sent');
        expect(await attemptsOf(id)).to.deep.equal([
          [from, 'unavailable', 'no_provider_for_sender'],
          [to, 'accepted', null],
        ]);
      }
      expect(await first.senders()).to.deep.equal([NUMBERS.b]);
      expect(await second.senders()).to.deep.equal([NUMBERS.a]);
    });

    it('keeps a message without an account, shows the reason, and sends it once an account has the sender', async () => {
      const { ids, restart } = await accept(accounts('*', '*'));
      await restart(accounts(NUMBERS.b, NUMBERS.b));
      const waiting = await untilWaiting(ids.a, 'no_provider_for_sender');
      expect(waiting.provider).to.equal(null);
      expect(waiting.error).to.include({ class: 'sender_not_allowed' });
      expect(waiting.error?.detail).to.contain(`No sms account has the sender ${NUMBERS.a}`);
      const { channels } = (await running().request('GET', '/readyz?verbose')).body;
      const account = channels
        .flatMap((channel: { accounts: object[] }) => channel.accounts)
        .find(({ name }: { name: string }) => name === 'first-co');
      expect(account.last_error.code).to.equal('no_provider_for_sender');
      expect(account.breaker, 'the account is not at fault').to.equal('closed');
      await running().untilStatus(ids.b, 'sent');
      await restart(accounts(NUMBERS.b, NUMBERS.a));
      await query(
        running().databaseUrl,
        'update deliveries set next_attempt_at = now() where pending and next_attempt_at > now()',
      );
      await running().untilStatus(ids.a, 'sent');
      expect((await get(ids.a)).provider).to.equal('second-co');
    });

    it('leaves a message that may have been sent with its account, which alone can look it up', async () => {
      const { ids, restart } = await accept(accounts(NUMBERS.a, NUMBERS.b));
      await query(
        running().databaseUrl,
        'update deliveries set may_have_been_sent = true, attempt_count = 1 where message_id = $1',
        [ids.a],
      );
      await restart(accounts(NUMBERS.b, NUMBERS.a));
      await running().untilStatus(ids.a, 'sent');
      expect(await attemptsOf(ids.a)).to.deep.equal([['first-co', 'accepted', null]]);
    });

    it('ends a message that waits for an account when it expires', async () => {
      const { ids, restart } = await accept(accounts(NUMBERS.a, NUMBERS.b));
      await restart(accounts(NUMBERS.b, NUMBERS.b));
      await untilWaiting(ids.a, 'no_provider_for_sender');
      await query(running().databaseUrl, 'update deliveries set expires_at = now() where message_id = $1', [
        ids.a,
      ]);
      const { error } = await running().untilStatus(ids.a, 'failed');
      expect(error?.code).to.equal('expired');
      expect(error?.detail).to.contain('no_provider_for_sender');
    });

    it('leaves the messages of a removed account to the accounts that have the sender, 10 minutes after they were due', async () => {
      const { ids, restart } = await accept(accounts(NUMBERS.a, NUMBERS.b, NUMBERS.b));
      await query(
        running().databaseUrl,
        `update deliveries set next_attempt_at = now() - interval '11 minutes'`,
      );
      await restart(accounts(null, null, `${NUMBERS.a},${NUMBERS.b}`));
      for (const id of [ids.a, ids.b]) {
        await running().untilStatus(id, 'sent');
        expect(await attemptsOf(id)).to.deep.equal([['third-co', 'accepted', null]]);
      }
    });
  });

  it('sends a failed message again through an account that has the sender', async () => {
    await start(accounts(NUMBERS.a, NUMBERS.b, `${NUMBERS.a},${NUMBERS.b}`));
    await second.setFaults([{ channel: 'sms', type: 'status', status: 400, times: 1 }]);
    const id = await send(NUMBERS.b);
    await running().untilStatus(id, 'failed');
    expect((await running().request('POST', `/api/messages/${id}/retry`)).status).to.equal(202);
    await running().untilStatus(id, 'sent');
    expect((await attemptsOf(id)).map(([provider]) => provider)).to.deep.equal(['second-co', 'second-co']);
    expect(await first.senders()).to.deep.equal([]);
  });
});

import { expect } from 'chai';
import { createLogger } from '../../src/observability/logger.ts';
import { loadConfig, type Service, startService } from '../../src/service/service.ts';
import { ACCOUNT_SID } from '../../src/simulator/dialects/twilio/dialect.ts';
import { startSimulator } from '../../src/simulator/server.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { environmentFor, type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { AUTH_TOKEN, inboundForm, sendCallback, sidOf, twilioEnvironment } from '../support/twilio.ts';
import { until } from '../support/until.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

const TO = '+18045551234';
const SENDERS = 5;
const MESSAGES = 50;
/** Each call takes this long, so that several are in flight and most messages wait, also on a busy machine. */
const LATENCY_MS = 1_000;

/** Records each claim, and whether its transaction saw the request to stop. */
const LOG_CLAIMS = `
  create table claim_log (message_id bigint, after_stop boolean);
  create function log_claim() returns trigger language plpgsql as $$
  begin
    insert into claim_log values (new.message_id, exists (select from suppressions));
    return null;
  end $$;
  create trigger log_claim after update on deliveries for each row
    when (new.status = 'sending' and new.attempt_count > old.attempt_count) execute function log_claim()`;

interface Kind {
  environment: (simulatorUrl: string) => Record<string, string>;
  /** Sends the keyword by a webhook that the kind signs, as its n-th message. */
  write: (service: Harness, keyword: string, n: number) => Promise<{ status: number }>;
}

const KINDS: Record<string, Kind> = {
  standard: {
    environment: () => ({ TEXT_CO_WEBHOOK_SECRETS: webhookSecret }),
    write: (service, body, n) => deliver(service, inboundBody(`keyword-${n}`, { body })),
  },
  twilio: {
    environment: (simulatorUrl) => ({
      ...twilioEnvironment(`${simulatorUrl}/twilio`),
      TWILIO_ACCOUNT_SID: ACCOUNT_SID,
    }),
    write: (service, Body, n) =>
      sendCallback(service.url, {
        form: inboundForm({ MessageSid: sidOf(1_000 + n), AccountSid: ACCOUNT_SID, Body }),
      }),
  },
};

for (const [name, kind] of Object.entries(KINDS))
  describe(`STOP by a webhook of the kind ${name}, while messages are queued and sending`, function () {
    this.timeout(120_000);
    let service: Harness;
    let second: Service;
    let simulatorUrl: string;
    const stack = new AsyncDisposableStack();
    before(async () => {
      const simulator = await startSimulator({ apiKey: AUTH_TOKEN, webhookSecret });
      stack.defer(() => simulator.stop());
      simulatorUrl = simulator.url;
      const environment = {
        LOG_LEVEL: 'silent',
        ...kind.environment(simulatorUrl),
        ...(name === 'standard' && { TEXT_CO_URL: simulatorUrl, TEXT_CO_KEY: AUTH_TOKEN }),
      };
      // Each with a worker process of its own.
      service = await startHarness(environment, createLogger('silent'), true);
      stack.defer(() => service.stop());
      second = await startService(
        loadConfig({ ...environmentFor(simulatorUrl, service.databaseUrl), ...environment }),
        createLogger('silent'),
        { workerProcess: true },
      );
      stack.defer(() => second.stop());
      await control('PUT', 'settings', { receipts: { enabled: false } });
      await query(service.databaseUrl, LOG_CLAIMS);
    });
    after(() => stack.disposeAsync());

    async function control<T>(method: string, path: string, body?: object): Promise<T> {
      const response = await fetch(`${simulatorUrl}/_control/${path}`, {
        ...{ method, headers: { 'content-type': 'application/json' } },
        ...(body && { body: JSON.stringify(body) }),
      });
      expect(response.status, path).to.equal(200);
      return (await response.json()) as T;
    }
    /** The texts of the messages that the provider got, one for each message. */
    const received = async () => {
      const { data } = await control<{ data: { request: Record<string, unknown>; request_count: number }[] }>(
        'GET',
        'messages',
      );
      return data.flatMap(({ request, request_count }) =>
        Array.from({ length: request_count }, () => String(request.body ?? request.Body)),
      );
    };
    const send = (n: number) =>
      service.request('POST', '/api/messages/sms', {
        ...{ ...sms, to: TO, body: `Message ${n}` },
        from: `+1201666${1_000 + (n % SENDERS)}`,
      });

    it('passes nothing to the provider but messages that were claimed before, and START restores', async () => {
      await control('PUT', 'faults', [{ channel: 'sms', type: 'latency', ms: LATENCY_MS }] as object);
      const sent = await Promise.all(Array.from({ length: MESSAGES }, (_, n) => send(n)));
      expect(sent.map(({ status }) => status)).to.deep.equal(sent.map(() => 202));
      await until(async () => (await received()).length >= SENDERS, 'the first messages are sent');

      const stops = await Promise.all(Array.from({ length: 20 }, (_, n) => kind.write(service, 'STOP', n)));
      expect(stops.map(({ status }) => status)).to.deep.equal(stops.map(() => 200));

      const ids = sent.map(({ body }) => body.id);
      const settled = () =>
        query<{ id: number; status: string; code: string | null; body: string }>(
          service.databaseUrl,
          `select message_id as id, status, error ->> 'code' as code, body from deliveries join messages on id = message_id
           where message_id = any($1) and status not in ('queued', 'sending') order by id`,
          [ids],
        );
      await until(
        async () => (await settled()).length === MESSAGES,
        'each message has its last status',
        60_000,
      );
      const texts = await received();
      for (const { status, code, body } of await settled())
        expect([status, code], body).to.deep.equal(
          texts.includes(body) ? ['sent', null] : ['failed', 'recipient_suppressed'],
        );
      expect(new Set(texts).size, 'each message is sent once').to.equal(texts.length);
      expect(texts).to.have.length.below(MESSAGES);

      const claimedAfter = await query<{ body: string }>(
        service.databaseUrl,
        'select body from claim_log join messages on id = message_id where after_stop',
      );
      expect(claimedAfter, 'messages are claimed after the STOP').to.have.length.above(0);
      expect(claimedAfter.filter(({ body }) => texts.includes(body))).to.deep.equal([]);
      expect(await query(service.databaseUrl, 'select from suppressions')).to.have.length(1);
      expect((await send(MESSAGES)).body.code).to.equal('recipient_suppressed');

      await kind.write(service, 'START', 100);
      const { body } = await send(MESSAGES);
      await service.untilStatus(body.id, 'sent');
      expect(await received()).to.include(`Message ${MESSAGES}`);
    });
  });

describe('STOP with STOP_SCOPE=sender', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ STOP_SCOPE: 'sender', TEXT_CO_WEBHOOK_SECRETS: webhookSecret });
  });
  after(() => service.stop());

  it('stops the messages of the number written to, and does not affect a second number', async () => {
    const second = { ...sms, from: '+12016665555' };
    const scheduled = { send_at: new Date(Date.now() + 3_600_000).toISOString() };
    const send = (body: object) => service.request('POST', '/api/messages/sms', body);
    const [stopped, other] = [await send({ ...sms, ...scheduled }), await send({ ...second, ...scheduled })];
    expect((await deliver(service, inboundBody('stop-1', { body: 'STOP' }))).status).to.equal(200);
    await query(
      service.databaseUrl,
      `update deliveries set next_attempt_at = now() where status = 'scheduled'`,
    );
    expect((await service.untilStatus(stopped.body.id, 'failed')).error?.code).to.equal(
      'recipient_suppressed',
    );
    await service.untilStatus(other.body.id, 'delivered');
    expect((await send(sms)).body.code).to.equal('recipient_suppressed');
    expect((await send(second)).status).to.equal(202);
    expect((await deliver(service, inboundBody('start-1', { body: 'Start' }))).status).to.equal(200);
    expect((await send(sms)).status).to.equal(202);
  });
});

import { createServer } from 'node:https';
import { expect } from 'chai';
import { HealthMonitor } from '../../src/delivery/accounts/health.ts';
import { createEvents } from '../../src/observability/events.ts';
import { THRESHOLD } from '../../src/outbox/circuit-breaker.ts';
import type { SendOutcome } from '../../src/providers/provider.ts';
import { sms } from '../support/bodies.ts';
import { CERTIFICATE, KEY } from '../support/certificate.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { keepLog } from '../support/log.ts';
import { until } from '../support/until.ts';

const [INFO, WARN, ERROR] = [30, 40, 50];

/** The level of the first failure of each kind: `error` if all messages wait until the operator acts. */
const LEVELS: [title: string, level: number, code: string, fault: object][] = [
  ['a wrong key', ERROR, 'simulated_401', { type: 'status', status: 401 }],
  ['an account without credit', ERROR, 'simulated_402', { type: 'status', status: 402 }],
  ['a key without the right', ERROR, 'simulated_403', { type: 'status', status: 403 }],
  ['a wrong URL', ERROR, 'simulated_404', { type: 'status', status: 404 }],
  ['a redirect', ERROR, 'simulated_301', { type: 'status', status: 301 }],
  ['an overloaded provider', WARN, 'simulated_503', { type: 'status', status: 503 }],
  ['a rate limit', WARN, 'simulated_429', { type: 'status', status: 429 }],
  ['no response', WARN, 'etimedout', { type: 'timeout' }],
  ['a response without an id', WARN, 'malformed_response', { type: 'malformed' }],
];

describe('The log of deliveries', () => {
  let service: Harness;
  let log: ReturnType<typeof keepLog>;
  beforeEach(async () => {
    log = keepLog();
    service = await startHarness({ PROVIDER_TIMEOUT_MS: '3000' }, log.logger);
  });
  afterEach(() => service.stop());

  const faults = (...list: object[]) =>
    service.control(
      'PUT',
      '/_control/faults',
      list.map((fault) => ({ channel: 'sms', ...fault })),
    );
  let recipients = 0;
  const send = async (to = service): Promise<number> => {
    const message = { ...sms, to: `+1804555${1_000 + recipients++}` };
    return (await to.request('POST', '/api/messages/sms', message)).body.id;
  };
  const failing = () => until(() => log.of('provider failing')[0], 'the first failure is logged');

  for (const [title, level, code, fault] of LEVELS)
    it(`reports the first failure by ${title} at ${level === ERROR ? 'error' : 'warn'}`, async () => {
      await faults(fault);
      await send();
      const line = await failing();
      expect(line).to.include({ level, provider: 'text-co', code });
      expect(line.detail).to.be.a('string').and.not.equal('');
    });

  it('reports an invalid certificate at error', async () => {
    const server = createServer({ key: KEY, cert: CERTIFICATE });
    const port = await listen(server);
    const other = await startHarness({ TEXT_CO_URL: `https://127.0.0.1:${port}` }, log.logger);
    await send(other);
    const line = await failing();
    expect(line).to.include({ level: ERROR, provider: 'text-co', code: 'depth_zero_self_signed_cert' });
    await other.stop();
    server.close();
  });

  it('has one line for repeated failures of a message, and one for the recovery', async () => {
    await faults({ type: 'status', status: 404 });
    const id = await send();
    await until(async () => {
      const { body } = await service.request('GET', `/api/messages/${id}/attempts`);
      return body.data.length >= 3;
    }, 'three attempts');
    await faults();
    await service.untilStatus(id, 'delivered');
    expect(log.lines.filter(({ provider }) => provider !== undefined)).to.have.length(2);
    expect(log.of('provider failing')).to.have.length(1);
    expect(log.of('provider recovered')[0]).to.include({ level: INFO, provider: 'text-co' });
  });

  it('has the reason and the duration of an open breaker, without a line for each probe', async () => {
    await faults({ type: 'status', status: 500 });
    const ids = await Promise.all(Array.from({ length: THRESHOLD }, () => send()));
    const opened = await until(() => log.of('provider unavailable')[0], 'the breaker is open');
    expect(opened).to.include({ level: ERROR, provider: 'text-co', code: 'simulated_500', httpStatus: 500 });
    const calls = async () =>
      (await service.control<{ data: unknown[] }>('GET', '/_control/calls')).data.length;
    const before = await calls();
    await until(async () => (await calls()) >= before + 2, 'two probes');
    await faults();
    for (const id of ids) await service.untilStatus(id, 'delivered');
    expect(log.of('provider unavailable')).to.have.length(1);
    expect(log.of('provider failing')).to.have.length(1);
    expect(log.of('provider recovered')).to.have.length(1);
    expect(log.of('provider recovered')[0]?.unavailableSeconds).to.be.greaterThan(0);
  });
});

describe('The health of an account', () => {
  const failed = (code: string): SendOutcome => ({
    ...{
      outcome: 'unavailable',
      httpStatus: 500,
      class: 'provider_error',
      code,
      detail: 'Failed',
      retryAfterMs: null,
      isOperatorError: false,
    },
  });
  const accepted: SendOutcome = { outcome: 'accepted', httpStatus: 202, providerMessageId: 'x' };
  const start = () => {
    const log = keepLog();
    const states = { changed: () => undefined, confirmed: () => undefined };
    const monitor = new HealthMonitor(createEvents(log.logger), states);
    monitor.add({ name: 'text-co', channel: 'sms' });
    return { log, monitor, called: (outcome: SendOutcome) => monitor.called('text-co', outcome) };
  };

  it('does not flood the log if some recipients fail and others succeed', () => {
    const { log, called } = start();
    for (let n = 0; n < 100; n++) {
      called(failed('down'));
      called(accepted);
    }
    expect(log.lines.map(({ msg }) => msg)).to.deep.equal(['provider failing', 'provider recovered']);
  });

  it('reports each new reason', () => {
    const { log, called, monitor } = start();
    for (const code of ['down', 'down', 'http_401', 'down', 'http_401']) called(failed(code));
    expect(log.of('provider failing').map(({ code }) => code)).to.deep.equal(['down', 'http_401']);
    expect(monitor.accounts()[0]?.lastError?.code).to.equal('http_401');
  });

  it('does not report a rejected message', () => {
    const { log, called, monitor } = start();
    called({
      outcome: 'rejected',
      class: 'provider_error',
      httpStatus: 400,
      code: 'invalid_recipient',
      detail: 'No such number',
    });
    expect(log.lines).to.deep.equal([]);
    expect(monitor.accounts()[0]?.lastError).to.equal(null);
  });
});

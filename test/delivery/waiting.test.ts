import { createServer } from 'node:net';
import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { listen } from '../support/listen.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;

/** The failures after which a message stays queued, and the error that the message shows. */
const REASONS: [title: string, fault: object, code: string, detail: RegExp][] = [
  ['a 404', { type: 'status', status: 404 }, 'simulated_404', /A simulated failure/],
  ['a 401', { type: 'status', status: 401 }, 'simulated_401', /A simulated failure/],
  ['a 503', { type: 'status', status: 503 }, 'simulated_503', /A simulated failure/],
  ['a 429', { type: 'status', status: 429, retry_after: 60 }, 'simulated_429', /A simulated failure/],
  ['a response without an id', { type: 'malformed' }, 'malformed_response', /without an id/],
  ['no response in time', { type: 'timeout' }, 'etimedout', /Timeout/],
  ['a broken connection', { type: 'reset' }, 'econnreset', /ECONNRESET/],
];

/** The timeout is longer than a test; the stop aborts a call without a response. */
const LONG_TIMEOUT = { PROVIDER_TIMEOUT_MS: '60000', STOP_TIMEOUT_MS: '200' };

describe('A message that waits', () => {
  let service: Harness;
  let recipients = 0;
  beforeEach(async () => {
    service = await startHarness({ PROVIDER_TIMEOUT_MS: '3000' });
  });
  afterEach(() => service.stop());

  const faults = (...list: object[]) =>
    service.control(
      'PUT',
      '/_control/faults',
      list.map((fault) => ({ channel: 'sms', ...fault })),
    );
  const body = (fields: object = {}) => ({ ...sms, to: `+1804555${1_000 + recipients++}`, ...fields });
  const send = async (message: object = body(), to = service): Promise<Message> =>
    (await to.request('POST', '/api/messages/sms', message)).body;
  const get = async (id: number, from = service): Promise<Message> =>
    (await from.request('GET', `/api/messages/${id}`)).body;
  const untilFailedOnce = (id: number) =>
    until(async () => {
      const message = await get(id);
      return message.status === 'queued' && message.error !== null && message;
    }, `message ${id} shows its error`);

  for (const [title, fault, code, detail] of REASONS)
    it(`shows the error of its last attempt and the time of the next one after ${title}`, async () => {
      await faults(fault);
      const { id } = await send();
      const waiting = await untilFailedOnce(id);
      expect(waiting.error?.code).to.equal(code);
      expect(waiting.error?.detail).to.match(detail);
      const { data } = (await service.request('GET', `/api/messages/${id}/attempts?limit=200`)).body;
      expect(Date.parse(waiting.next_attempt_at ?? '')).to.be.greaterThan(Date.parse(data[0].started_at));
    });

  it('shows its error and its next attempt in every list until it is sent', async () => {
    await faults({ type: 'status', status: 404, retry_after: 3_600 });
    const marked = body({ body: 'zebra crossing' });
    const { id, conversation_id } = await send(marked);
    const { error } = await untilFailedOnce(id);
    for (const path of [
      '/api/messages?status=queued',
      '/api/messages?q=zebra',
      `/api/messages?conversation_id=${conversation_id}`,
      `/api/conversations/${conversation_id}/messages`,
    ]) {
      const { data } = (await service.request('GET', path)).body;
      const listed = data.find((message: Message) => message.id === id);
      expect(listed.error, path).to.deep.equal(error);
      expect(listed.next_attempt_at, path).to.match(/Z$/);
    }
    await faults();
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now()');
    const sent = await service.untilStatus(id, 'delivered');
    expect(sent).to.include({ error: null, next_attempt_at: null });
  });

  it('shows no error and no next attempt after it is canceled', async () => {
    await faults({ type: 'status', status: 503, retry_after: 60 });
    const { id } = await send();
    await untilFailedOnce(id);
    const { body: canceled } = await service.request('POST', `/api/messages/${id}/cancel`);
    expect(canceled).to.include({ status: 'canceled', error: null, next_attempt_at: null });
  });

  it('has no next attempt while an earlier message of its conversation waits', async () => {
    await faults({ type: 'status', status: 503, retry_after: 60 });
    const first = body();
    const { id } = await send(first);
    await untilFailedOnce(id);
    const next = await get((await send(first)).id);
    expect(next).to.include({ status: 'queued', error: null, next_attempt_at: null });
  });

  it('has created_at or send_at as the time of its first attempt', async () => {
    const api = await startHarness({ ROLE: 'api' });
    const { id } = await send(body(), api);
    const queued = await get(id, api);
    expect(queued).to.include({ status: 'queued', error: null, next_attempt_at: queued.created_at });
    const send_at = new Date(Date.now() + HOUR_MS).toISOString();
    const scheduled = await send(body({ send_at }), api);
    expect(scheduled).to.include({ status: 'scheduled', next_attempt_at: send_at });
    expect(await get(scheduled.id, api)).to.deep.equal(scheduled);
    const { body: canceled } = await api.request('POST', `/api/messages/${scheduled.id}/cancel`);
    expect(canceled).to.include({ send_at, next_attempt_at: null });
    await api.stop();
  });

  it('has no error before its first attempt, and /readyz?verbose has the error of the unavailable provider', async () => {
    await faults({ type: 'status', status: 402 });
    for (let n = 0; n < 30; n++) await send();
    await until(async () => {
      const { data } = (await service.request('GET', '/api/messages?status=queued&limit=200')).body;
      const { channels } = (await service.request('GET', '/readyz?verbose')).body;
      const [account] = channels.find(({ channel }: { channel: string }) => channel === 'sms').accounts;
      const unattempted = data.filter(({ error }: Message) => error === null);
      const isDue = ({ next_attempt_at }: Message) => Date.parse(next_attempt_at ?? '') <= Date.now();
      return (
        unattempted.length > 0 &&
        unattempted.every(isDue) &&
        account.breaker !== 'closed' &&
        account.last_error.code === 'simulated_402'
      );
    }, 'messages wait for an unavailable account whose error is reported');
  });

  it('has the reserved time of the rate limit of its sender as next_attempt_at', async () => {
    const limited = await startHarness({ TEXT_CO_PER_SECOND_PER_SENDER: '0.001' });
    const first = await send(body(), limited);
    await limited.untilStatus(first.id, 'delivered');
    const second = await send(body(), limited);
    const delayed = await until(async () => {
      const message = await get(second.id, limited);
      return Date.parse(message.next_attempt_at ?? '') > Date.parse(message.created_at) + 60_000 && message;
    }, 'the message is delayed by the rate limit');
    expect(delayed).to.include({ status: 'queued', error: null });
    await limited.stop();
  });

  it('has no next_attempt_at during an attempt', async () => {
    const other = await startHarness(LONG_TIMEOUT);
    await other.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'timeout' }]);
    const { id } = await send(body(), other);
    expect((await other.untilStatus(id, 'sending')).next_attempt_at).to.equal(null);
    await other.stop();
  });

  it('is returned with its first status to a repeated request', async () => {
    await faults({ type: 'status', status: 404 });
    const headers = { 'idempotency-key': 'waits' };
    const request = body();
    const first = (await service.request('POST', '/api/messages/sms', request, headers)).body;
    await untilFailedOnce(first.id);
    const repeat = await service.request('POST', '/api/messages/sms', request, headers);
    expect(repeat.headers.get('idempotent-replayed')).to.equal('true');
    expect(repeat.body).to.deep.equal(first);
    expect(first).to.include({ error: null, next_attempt_at: null });
  });

  it('shows the error of the failed account while another account sends the message', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined));
    const other = await startHarness({
      SMS_PROVIDERS: 'gone-co,silent-co',
      GONE_CO_URL: 'http://127.0.0.1:9',
      GONE_CO_KEY: 'key',
      SILENT_CO_URL: `http://127.0.0.1:${await listen(silent)}`,
      SILENT_CO_KEY: 'key',
      ...LONG_TIMEOUT,
    });
    const { id } = await send(body(), other);
    const waiting = await until(async () => {
      const message = await get(id, other);
      return message.provider === 'silent-co' && message;
    }, 'the message is assigned to the second provider');
    expect(waiting.error?.code).to.equal('econnrefused');
    await other.stop();
    silent.close();
  });
});

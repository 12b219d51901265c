import { expect } from 'chai';
import { pino } from 'pino';
import {
  type ClientOptions,
  createClient,
  type LogDetails,
  type Logger,
  type LogLevel,
} from '../../sdk/src/index.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type FaultyProxy, startProxy } from '../support/proxy.ts';
import { problemBody, rejection } from './support.ts';

const API_KEY = 'correct-horse-battery';
const LEVELS: LogLevel[] = ['error', 'warn', 'info', 'debug'];

interface Entry extends LogDetails {
  level: LogLevel;
  message: string;
}

function recorder() {
  const entries: Entry[] = [];
  const logger = Object.fromEntries(
    LEVELS.map((level) => [
      level,
      (message: string, details: LogDetails) => entries.push({ level, message, ...details }),
    ]),
  ) as unknown as Logger;
  return { entries, logger, lines: () => entries.map(({ level, message }) => `${level} ${message}`) };
}

describe('The logger of the SDK', () => {
  let service: Harness;
  let proxy: FaultyProxy;
  const connect = (options: ClientOptions) =>
    createClient({ baseUrl: proxy.url, apiKey: API_KEY, retryDelay: 1, ...options });
  before(async () => {
    service = await startHarness({ API_KEYS: `logging:${API_KEY}` });
    proxy = await startProxy(service.url);
  });
  after(async () => {
    await proxy.stop();
    await service.stop();
  });

  it('receives each try, retry and result with the level debug', async () => {
    const { entries, logger, lines } = recorder();
    proxy.faults.push({ type: 'status', status: 503, body: problemBody(503) });
    const { requestId } = await connect({ logger, logLevel: 'debug' }).messages.send(sms);
    expect(lines().map((line) => line.replace(/\d+ ms/, 'N ms'))).to.deep.equal([
      'debug POST /api/messages/send: try 1',
      'warn POST /api/messages/send: status 503, retry 1 of 3 in N ms',
      'debug POST /api/messages/send: try 2',
      'info POST /api/messages/send: status 202',
    ]);
    const { durationMs, ...result } = entries[3] as Entry;
    expect(durationMs).to.be.a('number').at.least(0);
    expect(result).to.deep.equal({
      level: 'info',
      message: 'POST /api/messages/send: status 202',
      method: 'POST',
      path: '/api/messages/send',
      retries: 1,
      status: 202,
      requestId: requestId ?? null,
    });
  });

  it('receives the entries of its level and of more severe levels, by default info', async () => {
    for (const [logLevel, expected] of [
      [undefined, ['warn', 'info']],
      ['debug', ['debug', 'warn', 'debug', 'info']],
      ['info', ['warn', 'info']],
      ['warn', ['warn']],
      ['error', []],
      ['off', []],
    ] as const) {
      const { entries, logger } = recorder();
      proxy.faults.push({ type: 'lost_response' });
      await connect({ logger, logLevel })
        .messages.get(1)
        .catch(() => {});
      expect(
        entries.map(({ level }) => level),
        logLevel,
      ).to.deep.equal(expected);
    }
  });

  it('receives a failure of the last try as an error, and a refused request as information', async () => {
    const { entries, logger, lines } = recorder();
    const client = connect({ logger, maxRetries: 0 });
    proxy.faults.push({ type: 'status', status: 500, body: problemBody(500) }, { type: 'lost_response' });
    for (let count = 0; count < 3; count++) await rejection(client.messages.get(999_999));
    expect(lines()).to.deep.equal([
      'error GET /api/messages/999999: status 500',
      `error GET /api/messages/999999: No response from ${proxy.url}.`,
      'info GET /api/messages/999999: status 404',
    ]);
    expect(entries[1]).to.include({ code: 'connection_failed' }).and.not.have.property('status');
    expect(entries[2]?.requestId).to.match(/^[0-9a-f-]{36}$/);
  });

  it('receives the requests of the raw client', async () => {
    const { logger, lines } = recorder();
    await connect({ logger }).raw.GET('/healthz');
    expect(lines()).to.deep.equal(['info GET /healthz: status 200']);
  });

  it('receives no API key, idempotency key, body or query, in any entry of any outcome', async () => {
    const { entries, logger } = recorder();
    const client = connect({ logger, logLevel: 'debug', timeout: 1_000 });
    const secret = 'tell-nobody';
    const message = { ...sms, to: '+18045550077', body: `The code is ${secret}` };
    proxy.faults.push(
      { type: 'status', status: 503, headers: { 'set-cookie': secret }, body: secret },
      { type: 'cut_response' },
      { type: 'stall' },
    );
    await client.messages.send(message, { idempotencyKey: `key-${secret}` });
    await client.messages.list({ q: secret, participant: message.to });
    await rejection(client.messages.send({ ...message, to: secret }));
    await rejection(connect({ logger, apiKey: `${API_KEY}-${secret}` }).messages.get(1));
    const failing = async () => {
      throw new TypeError(`Invalid header: Bearer ${API_KEY} ${secret}`);
    };
    await rejection(connect({ logger, fetch: failing, maxRetries: 1 }).messages.get(1));
    expect(entries).to.have.length.above(12);
    for (const hidden of [secret, API_KEY, 'Bearer', message.to.slice(1), 'participant'])
      expect(JSON.stringify(entries), hidden).to.not.contain(hidden);
  });

  it('may be pino or console', async () => {
    const lines: string[] = [];
    const logger = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
    await connect({ logger }).messages.list();
    expect(lines.map((line) => JSON.parse(line).msg)).to.deep.equal(['GET /api/messages: status 200']);
    await connect({ logger: console, logLevel: 'error' }).messages.list();
  });

  it('that throws does not fail a call', async () => {
    const fail = () => {
      throw new Error('The disk is full.');
    };
    const logger: Logger = { error: fail, warn: fail, info: fail, debug: fail };
    expect((await connect({ logger, logLevel: 'debug' }).messages.send(sms)).status).to.equal('queued');
  });
});

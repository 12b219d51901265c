import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { email, inboundEmail, inboundSms, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { connectRaw, exchange, head, type RawConnection } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const MIB = 1_048_576;
const key = { authorization: 'Bearer correct-horse-battery' };
const json = { 'content-type': 'application/json' };
const signed = (body: string | Buffer) => sign(webhookSecret, 'evt_1', Math.floor(Date.now() / 1_000), body);

describe('Request bodies', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      API_KEYS: 'shop:correct-horse-battery',
      TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
  });
  after(() => service.stop());

  const post = (path: string, body: string | Buffer) =>
    exchange(
      service.url,
      'POST',
      path,
      { ...json, ...(path.startsWith('/api/webhooks') ? signed(body) : key) },
      body,
    );

  describe('with thousands of errors', () => {
    const many = (length: number) => Array.from({ length }, () => 0);
    const map = (length: number) =>
      Object.fromEntries(many(length).map((value, index) => [`k${index}`, value]));
    const bodies: [string, string, object][] = [
      ['an array of a message', '/api/messages/email', { ...email, attachments: many(400_000) }],
      ['the recipients of a message', '/api/messages/sms', { ...sms, to: many(90_000) }],
      ['the copies of a message', '/api/messages/send', { ...email, cc: many(90_000), bcc: many(500) }],
      ['the map of a message', '/api/messages/sms', { ...sms, metadata: map(50_000) }],
      ['a long name in a map', '/api/messages/sms', { ...sms, metadata: { ['x'.repeat(500_000)]: 1 } }],
      ['unknown fields', '/api/messages/sms', { ...sms, ...map(50_000) }],
      ['unknown fields of a participant', '/api/participants/1', map(450)],
      [
        'an array of a webhook',
        '/api/webhooks/email',
        { ...inboundEmail, xillio_id: true, attachments: many(3_000_000) },
      ],
      [
        'a webhook with a small array',
        '/api/webhooks/sms',
        { ...inboundSms, messaging_provider_id: [], to: many(40_000) },
      ],
      ['a receipt', '/api/webhooks/sms/status', { messaging_provider_id: many(9), status: many(40_000) }],
    ];
    for (const [title, path, body] of bodies)
      it(`are refused with at most a few dozen errors: ${title}`, async () => {
        const method = path.startsWith('/api/participants') ? 'PATCH' : 'POST';
        const text = JSON.stringify(body);
        const credentials = path.startsWith('/api/webhooks') ? signed(text) : key;
        const answer = await exchange(service.url, method, path, { ...json, ...credentials }, text);
        expect(answer.status).to.equal(422);
        expect(answer.body.errors.length).to.be.within(1, 32);
        expect(JSON.stringify(answer.body).length).to.be.below(10_000);
      });

    it('are refused with every error if the body is small', async () => {
      const { body } = await post(
        '/api/messages/sms',
        JSON.stringify({ from: 1, to: [2], attachments: ['x'] }),
      );
      expect(body.errors.map(({ path }: { path: string }) => path)).to.include.members([
        '/body/from',
        '/body/to/0',
        '/body/body',
        '/body/attachments/0',
      ]);
    });
  });

  describe('with more values than any message has', () => {
    for (const [title, text] of [
      ['numbers', `[${'0,'.repeat(150_000)}0]`],
      ['empty arrays', `[${'[],'.repeat(150_000)}0]`],
      ['members of an object', `{${Array.from({ length: 110_000 }, (_, n) => `"${n}":0`).join()}}`],
    ] as const)
      it(`are refused: ${title}`, async () => {
        const { status, body } = await post('/api/webhooks/email', text);
        expect([status, body.errors]).to.deep.equal([
          422,
          [{ path: '/body', message: 'must not have more than 100000 values' }],
        ]);
      });

    it('are accepted if the commas and brackets are in a string', async () => {
      const body = '[{,"\\'.repeat(60_000);
      const answer = await post(
        '/api/webhooks/email',
        JSON.stringify({ ...inboundEmail, xillio_id: 'commas', body }),
      );
      expect([answer.status, answer.body.body]).to.deep.equal([200, body]);
    });
  });

  it('that are nested too deeply are refused before they are parsed', async () => {
    for (const text of ['['.repeat(900_000), '{"a":'.repeat(100), `${'['.repeat(65)}${']'.repeat(65)}`]) {
      const { status, body } = await post('/api/messages/sms', text);
      expect([status, body.errors[0].message]).to.deep.equal([422, 'must not be nested more than 64 deep']);
    }
  });

  describe('that are not UTF-8', () => {
    const broken: [string, number[]][] = [
      ['a byte of Latin-1', [0xe4]],
      ['an overlong form', [0xc0, 0xaf]],
      ['an encoded surrogate', [0xed, 0xa0, 0x80]],
      ['an incomplete sequence', [0xe2, 0x82]],
      ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
      ['a byte that UTF-8 never has', [0xff]],
    ];
    const withBytes = (event: object, bytes: number[]) => {
      const [start = '', end = ''] = JSON.stringify(event).split('$');
      return Buffer.concat([Buffer.from(start), Buffer.from(bytes), Buffer.from(end)]);
    };
    for (const [title, bytes] of broken)
      it(`are refused with 400: ${title}`, async () => {
        for (const [path, event] of [
          ['/api/webhooks/sms', { ...inboundSms, messaging_provider_id: 'id-$' }],
          ['/api/webhooks/email', { ...inboundEmail, xillio_id: 'id-$' }],
          ['/api/webhooks/sms/status', { messaging_provider_id: 'id-$', status: 'delivered' }],
          ['/api/messages/sms', { ...sms, body: '$' }],
        ] as const) {
          const { status, body } = await post(path, withBytes(event, bytes));
          expect([status, body.code], path).to.deep.equal([400, 'malformed_json']);
          expect(body.detail).to.equal('The body is not valid UTF-8.');
        }
        const ids = "select from messages where provider_message_id like 'id-%'";
        expect(await query(service.databaseUrl, ids)).to.have.length(0);
      });
  });

  it('that are refused before they are read do not prevent the client from reading the response', async () => {
    const body = 'x'.repeat(9 * MIB);
    const refusals = [
      ['/api/messages/email', {}, 401],
      ['/api/webhooks/email', {}, 401],
      ['/api/messages/sms', key, 413],
      ['/api/messages/email', { ...key, 'content-encoding': 'gzip' }, 415],
      ['/nowhere', key, 404],
    ] as const;
    for (const [path, headers, status] of refusals)
      for (const connection of ['close', 'keep-alive']) {
        const answer = await exchange(service.url, 'POST', path, { ...json, ...headers, connection }, body);
        expect(answer.status, `${path} ${connection}`).to.equal(status);
        expect(answer.headers['content-type']).to.equal('application/problem+json; charset=utf-8');
      }
  });

  it('without a verified signature share a limit that blocks neither clients nor small webhooks', async () => {
    const signature = { ...signed('another body'), ...json };
    const open: RawConnection[] = [];
    const incomplete =
      head('POST', '/api/webhooks/email', { ...signature, 'content-length': 10 * MIB }) +
      'x'.repeat(10 * MIB - 1);
    try {
      for (let count = 0; count < 5; count++) {
        const connection = await connectRaw(service.url);
        open.push(connection);
        connection.write(incomplete);
      }
      const refused = await Promise.any(open.map((connection) => connection.receive(/"unavailable"/)));
      expect(refused)
        .to.match(/^HTTP\/1.1 503 /)
        .and.to.match(/\r\nretry-after: \d+\r\n/i);
      expect((await post('/api/messages/email', JSON.stringify(email))).status).to.equal(202);
      const small = { ...inboundSms, messaging_provider_id: 'beside stalled bodies' };
      expect((await post('/api/webhooks/sms', JSON.stringify(small))).status).to.equal(200);
    } finally {
      for (const connection of open) connection.close();
    }
    const text = JSON.stringify({ ...inboundEmail, xillio_id: 'afterwards', body: 'x'.repeat(9 * MIB) });
    await until(
      async () => (await post('/api/webhooks/email', text)).status === 200,
      'the budget has free bytes again',
    );
  });

  it('of clients share a limit until their responses are sent', async () => {
    const text = JSON.stringify({ ...email, body: 'x'.repeat(9 * MIB) });
    const answers = await Promise.all(Array.from({ length: 12 }, () => post('/api/messages/email', text)));
    for (const { status, headers } of answers) {
      expect(status).to.be.oneOf([202, 503]);
      if (status === 503) expect(headers['retry-after']).to.match(/^\d+$/);
    }
    expect(answers.some(({ status }) => status === 202)).to.equal(true);
    for (let round = 0; round < 2; round++)
      expect((await post('/api/messages/email', text)).status).to.equal(202);
  });
});

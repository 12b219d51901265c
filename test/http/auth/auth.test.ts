import { expect } from 'chai';
import { sign } from '../../../src/simulator/dialects/standard/signature.ts';
import { inboundSms, sms } from '../../support/bodies.ts';
import { type Harness, startHarness, webhookSecret } from '../../support/harness.ts';
import { chunk, connectRaw, head } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const oldSecret = `whsec_${Buffer.alloc(24, 'old').toString('base64')}`;
const body = JSON.stringify(inboundSms);
const key = { authorization: 'Bearer correct-horse-battery' };
const now = () => Math.floor(Date.now() / 1_000);

describe('A service with API keys and webhook secrets', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      API_KEYS: 'first:correct-horse-battery,second:staple-of-the-trade',
      TEXT_CO_WEBHOOK_SECRETS: `${webhookSecret},${oldSecret}`,
      MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
    });
  });
  after(() => service.stop());

  describe('200', () => {
    for (const authorization of ['Bearer correct-horse-battery', 'bearer staple-of-the-trade']) {
      it(`accepts each of its keys: ${authorization}`, async () => {
        const { status } = await service.request('GET', '/api/conversations', undefined, { authorization });
        expect(status).to.equal(200);
      });
    }
  });

  describe('401', () => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer wrong-horse-battery',
      'Bearer correct-horse-batter',
      'Bearer correct-horse-battery-',
      `Bearer ${'correct-horse-battery'.repeat(500)}`,
      'Bearer first:correct-horse-battery',
      'Bearer correct-horse-battery staple-of-the-trade',
      'Basic correct-horse-battery',
      'correct-horse-battery',
    ]) {
      it(`refuses a request without a valid key: ${authorization.slice(0, 50)}`, async () => {
        const { status } = await service.request('GET', '/api/conversations', undefined, { authorization });
        expect(status).to.equal(401);
      });
    }

    it('reports no error in the query of an operation that is open without the query', async () => {
      for (const query of ['verbose=1', 'verbose=maybe']) {
        expect((await service.request('GET', `/readyz?${query}`)).status, query).to.equal(401);
        expect((await service.request('GET', `/readyz?${query}`, undefined, key)).status, query).to.equal(
          422,
        );
      }
      expect((await service.request('GET', '/readyz?other=1')).status).to.equal(200);
    });

    for (const [title, text, headers] of [
      ['no JSON', '{', {}],
      ['a body that does not match the contract', '{"colour": "red"}', {}],
      ['another media type', 'from=me', { 'content-type': 'application/x-www-form-urlencoded' }],
      ['another charset', '{}', { 'content-type': 'application/json; charset=latin1' }],
      ['a compression', 'x', { 'content-encoding': 'gzip' }],
      ['2 MB', 'x'.repeat(2_000_000), {}],
    ] as const) {
      it(`refuses a request without a key before the body is checked: ${title}`, async () => {
        for (const path of ['/api/messages/sms', '/api/webhooks/sms']) {
          const { status, body: problem } = await service.request('POST', path, text, headers);
          expect([status, problem.code], path).to.deep.equal([401, 'unauthorized']);
        }
      });
    }

    for (const [path, headers] of [
      ['/api/messages/email', { 'content-length': 5_000_000 }],
      ['/api/messages/email', { 'content-length': 50_000_000 }],
      ['/api/messages/send', { 'transfer-encoding': 'chunked' }],
      ['/api/webhooks/email', { 'content-length': 50_000_000 }],
      ['/api/webhooks/sms/status', { 'transfer-encoding': 'chunked' }],
    ] as const) {
      it(`does not wait for the body of a request without a key: ${path} ${JSON.stringify(headers)}`, async () => {
        const client = await connectRaw(service.url);
        client.write(head('POST', path, { 'content-type': 'application/json', ...headers }));
        expect(await client.receive(/"unauthorized"/)).to.match(/^HTTP\/1.1 401 /);
        await client.closed();
      });
    }

    it('answers 401 instead of 100 Continue to a request without a key', async () => {
      const client = await connectRaw(service.url);
      const headers = { 'content-type': 'application/json', 'content-length': 500, expect: '100-continue' };
      client.write(head('POST', '/api/messages/sms', headers));
      expect(await client.receive(/"unauthorized"/)).to.match(/^HTTP\/1.1 401 /);
      await client.closed();
    });

    it('answers a client that continues to send an unread body, then disconnects it', async () => {
      const client = await connectRaw(service.url);
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      client.write(head('POST', '/api/messages/email', headers));
      const sending = setInterval(() => client.write(chunk('x'.repeat(10_000))), 5);
      await client.receive(/"unauthorized"/);
      await client.closed();
      clearInterval(sending);
    });

    it('serves the next request on the connection of a refused request', async () => {
      const client = await connectRaw(service.url);
      const headers = { 'content-type': 'application/json', 'content-length': 2 };
      client.write(`${head('POST', '/api/messages/sms', headers)}{}`);
      await client.receive(/"unauthorized"/);
      client.write(head('GET', '/api/conversations', key));
      expect(await client.receive(/next_cursor/)).to.contain('HTTP/1.1 200 ');
      client.close();
    });
  });

  it('answers 100 Continue to a request with a valid key', async () => {
    const client = await connectRaw(service.url);
    const text = JSON.stringify(sms);
    const headers = {
      'content-type': 'application/json',
      'content-length': text.length,
      expect: '100-continue',
    };
    client.write(head('POST', '/api/messages/sms', { ...key, ...headers }));
    await client.receive(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    client.write(text);
    await client.receive(/HTTP\/1.1 202 /);
    client.close();
  });

  it('has the same response to a missing and a wrong key', async () => {
    const answers = [undefined, { authorization: 'Bearer wrong-horse-battery' }].map((headers) =>
      service.request('POST', '/api/messages/sms', sms, headers),
    );
    const [none, wrong] = (await Promise.all(answers)).map(
      ({ headers, body: { request_id: _, ...problem } }) => ({
        problem,
        scheme: headers.get('www-authenticate'),
      }),
    );
    expect(none).to.deep.equal(wrong);
    expect(none?.problem.code).to.equal('unauthorized');
    expect(none?.scheme).to.equal('Bearer');
  });

  const cases: [string, number, () => Record<string, string>, string?][] = [
    ['a valid signature', 200, () => sign(webhookSecret, 'evt_1', now(), body)],
    ['a repeated delivery', 200, () => sign(webhookSecret, 'evt_1', now() - 60, body)],
    ['the old secret of a rotation', 200, () => sign(oldSecret, 'evt_1', now(), body)],
    [
      'several signatures, of which one is valid',
      200,
      () => {
        const valid = sign(webhookSecret, 'evt_1', now(), body);
        return { ...valid, 'webhook-signature': `v1,AAAA v2,x ${valid['webhook-signature']}` };
      },
    ],
    ['a valid signature over invalid JSON', 400, () => sign(webhookSecret, 'evt_1', now(), '{'), '{'],
    [
      'a valid signature over a body that does not match the contract',
      422,
      () => sign(webhookSecret, 'evt_1', now(), '{}'),
      '{}',
    ],
    [
      'a valid signature over plain text',
      415,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), 'hello'), 'content-type': 'text/plain' }),
      'hello',
    ],
    ['no signature', 401, () => ({})],
    ['an API key instead of a signature', 401, () => key],
    ['a wrong signature over invalid JSON', 401, () => sign(oldSecret, 'evt_1', now(), 'x'), '{'],
    [
      'a signature by another secret',
      401,
      () => sign(`whsec_${Buffer.alloc(24, 'x').toString('base64')}`, 'evt_1', now(), body),
    ],
    ['a signature over another body', 401, () => sign(webhookSecret, 'evt_1', now(), `${body} `)],
    [
      'a signature over another id',
      401,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), body), 'webhook-id': 'evt_2' }),
    ],
    ['a signature that is six minutes old', 401, () => sign(webhookSecret, 'evt_1', now() - 360, body)],
    ['a signature from the future', 401, () => sign(webhookSecret, 'evt_1', now() + 360, body)],
    [
      'a signature without a timestamp',
      401,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), body), 'webhook-timestamp': '' }),
    ],
    [
      'a malformed signature',
      401,
      () => ({ ...sign(webhookSecret, 'evt_1', now(), body), 'webhook-signature': 'v1,%%%' }),
    ],
  ];
  for (const [title, status, headers, text = body] of cases) {
    it(`answers ${status} to a webhook with ${title}`, async () => {
      expect((await service.request('POST', '/api/webhooks/sms', text, headers())).status).to.equal(status);
    });
  }

  it('verifies the signature of a receipt', async () => {
    for (const [channel, id] of [
      ['sms', 'messaging_provider_id'],
      ['email', 'xillio_id'],
    ] as const) {
      const receipt = JSON.stringify({ [id]: 'unknown-id', status: 'delivered' });
      const path = `/api/webhooks/${channel}/status`;
      const valid = sign(webhookSecret, 'evt_2', now(), receipt);
      expect((await service.request('POST', path, receipt)).status).to.equal(401);
      expect((await service.request('POST', path, `${receipt} `, valid)).status).to.equal(401);
      expect((await service.request('POST', path, receipt, valid)).status).to.equal(200);
    }
  });

  it('answers a repeated webhook with the first message', async () => {
    const files = { type: 'mms', attachments: ['https://127.0.0.1/photo.jpg'] };
    const event = JSON.stringify({ ...inboundSms, ...files, messaging_provider_id: 'replayed' });
    const signed = sign(webhookSecret, 'evt_3', now(), event);
    const answers = [];
    for (let times = 0; times < 3; times++)
      answers.push(await service.request('POST', '/api/webhooks/sms', event, signed));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(answers[1]?.body).to.deep.equal(answers[0]?.body);
    expect(answers[2]?.body).to.deep.equal(answers[0]?.body);
  });

  it('verifies a webhook with the secret of the provider that the webhook names', async () => {
    const signed = sign(oldSecret, 'evt_1', now(), body);
    expect((await service.request('POST', '/api/webhooks/email', body, signed)).status).to.equal(401);
    expect(
      (await service.request('POST', '/api/webhooks/sms?provider=text-co', body, signed)).status,
    ).to.equal(200);
  });

  it('sends a message and accepts its signed receipts', async () => {
    const { body: message } = await service.request('POST', '/api/messages/sms', sms, key);
    await until(async () => {
      const { body: found } = await service.request('GET', `/api/messages/${message.id}`, undefined, key);
      return found.status === 'delivered';
    }, 'the message is delivered');
  });
});

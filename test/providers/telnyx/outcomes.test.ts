import { expect } from 'chai';
import { rateLimitResetMs } from '../../../src/providers/http/rate-limit.ts';
import type { Outgoing } from '../../../src/providers/outgoing.ts';
import type { CallContext, Provider } from '../../../src/providers/provider.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { loadConfig } from '../../../src/service/service.ts';
import {
  callContext,
  filesAt,
  outgoing,
  type ProviderServer,
  startProviderServer,
} from '../../support/provider-server.ts';
import { API_KEY, telnyxEnvironment } from '../../support/telnyx.ts';

const ID = '40385f64-5717-4562-b3fc-2c963f66afa6';
const PROFILE = '4000eba1-a0c0-4563-9925-b25e842a7cb6';
const delivery_key = '8a1c0f6e-5d1b-4c57-9d0e-3f0b6a4c2e01';

/** The codes of responses, by the outcome and the class that the message has. */
const CODES: Record<string, string[]> = {
  'rejected invalid_destination': ['10001', '10002', '10016', '40301', '40309', '40310', '40319'],
  'rejected content_rejected': [
    ...['10003', '10004', '10015', '40302', '40304', '40316', '40317', '40322', '40325', '40328'],
  ],
  'rejected sender_not_allowed': ['40305', '40306', '40307', '40308', '40321'],
  'rejected provider_error': ['10005', '10006', '40331'],
  'rejected opted_out': ['40300'],
  'operator account_problem': [
    ...['10009', '10010', '20002', '20006', '20012', '20013', '20014', '20015', '20016', '20017', '20100'],
    ...['40311', '40312', '40313', '40314'],
  ],
  'operator sender_not_allowed': ['40010', '40100', '40150', '40151', '40315', '40329', '40333'],
  'throttled rate_limited': ['10011', '40318'],
  'unavailable provider_error': ['40320'],
  'unknown provider_error': ['10007'],
};
/** The statuses of responses without a known code, by their outcome. */
const STATUSES: Record<string, number[]> = {
  unknown: [303, 408, 499, 500, 502, 503, 504, 520, 522, 524, 530, 599],
  operator: [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 411, 415, 525, 526],
  unavailable: [521, 523],
  rejected: [400, 406, 409, 410, 413, 414, 422, 451],
  throttled: [429],
};

describe('An account at Telnyx', () => {
  let server: ProviderServer;
  let answer: { status: number; body: string; headers?: Record<string, string> };
  const requests: { method?: string; url?: string; headers: object; body: Record<string, unknown> }[] = [];
  before(async () => {
    server = await startProviderServer(async (request, response) => {
      const text = (await request.toArray()).join('');
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers, body: text === '' ? {} : JSON.parse(text) });
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body);
    });
  });
  after(() => server.stop());
  beforeEach(() => {
    requests.length = 0;
    respond(200, { data: { id: ID, to: [{ phone_number: '+18045551234', status: 'queued' }] } });
  });

  function respond(status: number, body: object | string, headers: Record<string, string> = {}): void {
    answer = { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
  }
  const account = (more: Record<string, string> = {}) => {
    const { accounts } = loadConfig({ ...telnyxEnvironment(server.url), ...more });
    return createRegistry(accounts, 10_000).sms[0] as Provider;
  };
  const send = (message: Partial<Outgoing> = {}, context: Partial<CallContext> = {}, more = {}) =>
    account(more).send({ ...outgoing, delivery_key, ...message }, callContext(context));
  const errors = (code: unknown) => ({ errors: [{ code, title: 'A title', detail: 'A detail.' }] });

  describe('sends', () => {
    const callback = { webhookUrl: 'https://messaging.example/api/webhooks/telnyx' };
    const webhook_url = 'https://messaging.example/api/webhooks/telnyx?echo=1-ihwPbl0bTFedDj8LakwuAQ';
    const base = { from: '+12016661234', to: '+18045551234', text: 'Hello!' };
    const MEDIA = ['https://a.example/b.png', 'https://a.example/c.gif?d=e&f=%20'];
    const group = ['+18045551234', '+18045551235', '+18045551236'];
    const cases: [string, Partial<Outgoing>, Partial<CallContext>, Record<string, string>, string, object][] =
      [
        ['an SMS', {}, {}, {}, '/v2/messages', { ...base, type: 'SMS' }],
        [
          'an SMS with a callback URL and a messaging profile beside the sender',
          {},
          callback,
          { TELNYX_MESSAGING_PROFILE_ID: PROFILE },
          '/v2/messages',
          { ...base, type: 'SMS', messaging_profile_id: PROFILE, webhook_url },
        ],
        [
          'an MMS',
          { type: 'mms', files: filesAt(...MEDIA) },
          {},
          {},
          '/v2/messages',
          { ...base, type: 'MMS', media_urls: MEDIA },
        ],
        [
          'an MMS without text',
          { type: 'mms', body: '', files: filesAt(...MEDIA) },
          {},
          {},
          '/v2/messages',
          { from: base.from, to: base.to, type: 'MMS', media_urls: MEDIA },
        ],
        [
          'an MMS without attachments as an SMS',
          { type: 'mms' },
          {},
          {},
          '/v2/messages',
          { ...base, type: 'SMS' },
        ],
        [
          'a group message with one call',
          { type: 'mms', to: group, files: filesAt(...MEDIA) },
          callback,
          { TELNYX_MESSAGING_PROFILE_ID: PROFILE },
          '/v2/messages/group_mms',
          { ...base, to: group, media_urls: MEDIA, webhook_url },
        ],
      ];
    for (const [title, message, context, settings, url, body] of cases)
      it(title, async () => {
        const outcome = await send({ body: 'Hello!', ...message }, context, settings);
        expect(outcome).to.deep.equal({ outcome: 'accepted', httpStatus: 200, providerMessageId: ID });
        expect(requests).to.have.lengthOf(1);
        expect(requests[0]).to.deep.include({ method: 'POST', url, body });
        expect(requests[0]?.headers).to.include({ authorization: `Bearer ${API_KEY}` });
      });
  });

  it('has the id of a group message that its reports have', async () => {
    const group = '50385f64-5717-4562-b3fc-2c963f66afa6';
    respond(200, { data: { id: ID, group_message_id: group } });
    expect(await send({ type: 'mms', to: ['+18045551234', '+18045551235'] })).to.include({
      providerMessageId: group,
    });
  });

  for (const [meaning, codes] of Object.entries(CODES))
    for (const code of codes)
      it(`the code ${code} is ${meaning}, with any status`, async () => {
        const [outcome, errorClass] = meaning.split(' ');
        for (const status of [400, 403, 409, 422, 500]) {
          respond(status, errors(status === 400 ? Number(code) : code));
          const expected = outcome === 'operator' ? 'unavailable' : outcome;
          const result = await send();
          expect(result).to.include({ outcome: expected, class: errorClass, code, httpStatus: status });
          expect(result).to.include({ detail: 'A detail.' });
          expect((result as { url?: string }).url).to.match(new RegExp(`/${code}$`));
          if (expected === 'unavailable')
            expect(result).to.include({ isOperatorError: outcome === 'operator' });
        }
        expect(requests).to.have.lengthOf(5);
      });

  for (const [outcome, statuses] of Object.entries(STATUSES))
    for (const status of statuses)
      it(`the status ${status} without a known code is ${outcome}`, async () => {
        for (const body of ['', '<html>', '[]', errors('99999'), errors(null), { errors: 'x' }]) {
          respond(status, body);
          const result = await send();
          const isOperator = outcome === 'operator';
          expect(result).to.include({ outcome: isOperator ? 'unavailable' : outcome, httpStatus: status });
          if (result.outcome === 'unavailable') expect(result.isOperatorError).to.equal(isOperator);
        }
      });

  it('the first known code of several errors decides', async () => {
    respond(422, {
      errors: [null, { code: '99999' }, { code: '40300', title: 'Blocked' }, { code: '10004' }],
    });
    expect(await send()).to.include({ outcome: 'rejected', code: '40300', detail: 'Blocked' });
  });

  for (const body of ['', '{"data": ', '{}', '{"data":null}', '{"data":{"id":5}}', '{"data":{"id":""}}'])
    it(`a success with the body ${body || '(empty)'} is unknown`, async () => {
      respond(200, body);
      expect(await send()).to.include({ outcome: 'unknown', code: 'malformed_response' });
    });

  it('waits as long as the headers of a throttled response say', async () => {
    const retryAfterMs = async (headers: Record<string, string>) => {
      respond(429, errors('10011'), headers);
      return ((await send()) as { retryAfterMs?: number }).retryAfterMs;
    };
    expect(await retryAfterMs({ 'x-ratelimit-reset': '7' })).to.equal(7_000);
    expect(await retryAfterMs({ 'x-ratelimit-reset': '7', 'retry-after': '3' })).to.equal(3_000);
    expect(await retryAfterMs({})).to.equal(null);
    expect(await retryAfterMs({ 'x-ratelimit-reset': 'soon' })).to.equal(null);
    const now = 1_800_000_000_000;
    expect(rateLimitResetMs('1800000060', now)).to.equal(60_000);
    expect(rateLimitResetMs('1700000000', now)).to.equal(0);
    expect(rateLimitResetMs('999999999', now)).to.equal(3_600_000);
    expect(rateLimitResetMs(['1', '2'], now)).to.equal(null);
  });

  it('repeats a request inside a call only if it was certainly not processed', async () => {
    for (const [status, body, count] of [
      [521, '', 3],
      [500, errors('10007'), 1],
      [503, '', 1],
      [429, errors('10011'), 1],
      [401, errors('10009'), 1],
    ] as const) {
      requests.length = 0;
      respond(status, body, { 'retry-after': '0' });
      await send({}, { once: false });
      expect([status, requests.length]).to.deep.equal([status, count]);
    }
  });

  it('cannot look up a message, whose id is unknown after an uncertain send', async () => {
    expect(account().capabilities).to.include({ lookUp: null, idempotencyKeys: false, echo: true });
    expect(await account().lookUp(outgoing, callContext())).to.equal('inconclusive');
    expect(requests).to.deep.equal([]);
  });

  it('answers keywords at numbers, and not at short codes and names', () => {
    const { answersOptOuts } = account();
    expect(['+12016661234', '72000', 'ACME'].map(answersOptOuts)).to.deep.equal([true, false, false]);
  });

  describe('is checked', () => {
    const check = (more = {}) => account(more).check?.(callContext());
    const withProfile = { TELNYX_MESSAGING_PROFILE_ID: PROFILE };

    it('by the list of messaging profiles', async () => {
      respond(200, { data: [] });
      expect(await check()).to.deep.equal([{ result: 'ok', text: 'API key: accepted' }]);
      expect(requests[0]).to.include({ method: 'GET', url: '/v2/messaging_profiles?page%5Bsize%5D=1' });
    });

    it('by the configured messaging profile, which must be enabled', async () => {
      respond(200, { data: { id: PROFILE, enabled: true } });
      expect(await check(withProfile)).to.deep.equal([
        { result: 'ok', text: 'API key: accepted; the messaging profile exists' },
      ]);
      expect(requests[0]).to.include({ url: `/v2/messaging_profiles/${PROFILE}` });
      respond(200, { data: { id: PROFILE, enabled: false } });
      expect((await check(withProfile))?.[0]).to.include({ result: 'fault' });
    });

    it('and the fault names the setting', async () => {
      const faults: [number, unknown, object, RegExp][] = [
        [401, errors('10009'), {}, /^API key: .*HTTP 401, 10009.*Correct TELNYX_API_KEY$/],
        [404, errors('10005'), withProfile, /Correct TELNYX_MESSAGING_PROFILE_ID or TELNYX_URL$/],
        [404, '', {}, /Correct TELNYX_URL$/],
        [200, '<html>', {}, /not from Telnyx. Correct TELNYX_URL$/],
        [200, { data: [] }, withProfile, /Correct TELNYX_URL$/],
      ];
      for (const [status, body, more, text] of faults) {
        respond(status, body as object);
        const [result] = (await check(more)) ?? [];
        expect(result?.result).to.equal('fault');
        expect(result?.text).to.match(text);
        expect(result?.text).to.not.include(API_KEY);
      }
      respond(503, '');
      expect((await check())?.[0]).to.include({ result: 'warning' });
    });
  });
});

import { expect } from 'chai';
import type { CallContext, Provider } from '../../../src/providers/provider.ts';
import { createResendProvider } from '../../../src/providers/resend/send.ts';
import { type Email, expectSame, referenceEmail } from '../../support/mail.ts';
import { callContext, type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { receivedByResend } from '../../support/resend.ts';

const ID = '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794';
const API_KEY = 're_0123456789abcdef';

/** The names of errors, by the outcome and the class that the message has, with the status of each. */
const NAMES: Record<string, Record<string, number>> = {
  'throttled rate_limited': { rate_limit_exceeded: 429 },
  'operator account_problem': {
    ...{ daily_quota_exceeded: 429, monthly_quota_exceeded: 429, missing_api_key: 401 },
    ...{ restricted_api_key: 401, invalid_api_key: 403, not_found: 404, method_not_allowed: 405 },
    ...{ invalid_access: 422, invalid_region: 422 },
  },
  'operator sender_not_allowed': { invalid_from_address: 422 },
  'rejected provider_error': {
    ...{ invalid_idempotency_key: 400, invalid_idempotent_request: 409, missing_required_field: 422 },
    ...{ invalid_parameter: 422 },
  },
  'rejected content_rejected': { invalid_attachment: 422, security_error: 451 },
  'unknown provider_error': {
    ...{ concurrent_idempotent_requests: 409, application_error: 500, internal_server_error: 500 },
  },
};
/** The statuses of responses without a known name, by their outcome. */
const STATUSES: Record<string, number[]> = {
  unknown: [408, 500, 502, 503, 504, 520],
  operator: [301, 401, 403, 404],
  unavailable: [521, 523],
  rejected: [400, 409, 413, 422],
  throttled: [429],
};

describe('An account at Resend', () => {
  let server: ProviderServer;
  let answers: { status: number; body: string; headers?: Record<string, string> }[];
  const requests: { method?: string; url?: string; headers: Record<string, unknown>; text: string }[] = [];
  let provider: Provider;
  before(async () => {
    server = await startProviderServer(async (request, response) => {
      const text = (await request.toArray()).join('');
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers, text });
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) as (typeof answers)[number];
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body);
    });
    provider = createResendProvider(
      {
        ...{
          name: 'resend',
          channel: 'email',
          kind: 'resend',
          simulated: false,
          warnings: [],
          senders: null,
        },
        ...{ perSecond: null, perSecondPerSender: null, consentReplies: null },
        settings: { url: server.url, apiKey: API_KEY, webhookSecrets: [] },
      },
      10_000,
    );
  });
  after(() => server.stop());
  beforeEach(() => {
    requests.length = 0;
    respond(200, { id: ID });
  });

  function respond(status: number, body: object | string, headers: Record<string, string> = {}): void {
    answers = [{ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }];
  }
  const send = (message: Email = referenceEmail(), context: Partial<CallContext> = {}) =>
    provider.send(message, callContext(context));

  it('sends the whole email with its idempotency key, and the same body in every attempt', async () => {
    const message = referenceEmail();
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await send(message)).to.deep.equal({
        outcome: 'accepted',
        httpStatus: 200,
        providerMessageId: ID,
      });
    const [request, repeated] = requests;
    expect(request?.text).to.equal(repeated?.text);
    expect(request).to.include({ method: 'POST', url: '/emails' });
    expect(request?.headers).to.include({
      ...{ authorization: `Bearer ${API_KEY}`, 'idempotency-key': message.delivery_key },
    });
    const body = JSON.parse(String(request?.text));
    expect(body.bcc).to.deep.equal(message.bcc);
    expect(body.tags).to.deep.equal([{ name: 'echo', value: '16-Cz-aUmoMS16dDh9vCnwtEQ' }]);
    expectSame(receivedByResend(body), message, null);
  });

  it('sends to the recipients who are left, and never shows a blind copy to another recipient', async () => {
    const only = async (...envelope: string[]) => {
      requests.length = 0;
      const message = referenceEmail({ bcc: ['audit-blind@example.org', 'second-blind@example.org'] });
      const outcome = await send({ ...message, email: { ...message.email, names: {}, envelope } });
      const { to, cc, bcc } = JSON.parse(requests[0]?.text ?? '{}');
      return { outcome: outcome.outcome, to, cc, bcc };
    };
    const accepted = { outcome: 'accepted', cc: undefined, bcc: undefined };
    expect(await only('grace@example.net')).to.deep.equal({ ...accepted, to: ['grace@example.net'] });
    expect(await only('mary@example.net', 'audit-blind@example.org')).to.deep.equal({
      ...{ ...accepted, to: ['mary@example.net'], bcc: ['audit-blind@example.org'] },
    });
    expect(await only('audit-blind@example.org')).to.deep.equal({
      ...accepted,
      to: ['audit-blind@example.org'],
    });
    expect(await only('audit-blind@example.org', 'second-blind@example.org')).to.deep.equal({
      ...{ outcome: 'rejected', to: undefined, cc: undefined, bcc: undefined },
    });
  });

  it('reads the name of an error', async () => {
    for (const [meaning, names] of Object.entries(NAMES))
      for (const [name, status] of Object.entries(names)) {
        const [outcome, errorClass] = meaning.split(' ');
        respond(status, { statusCode: status, name, message: 'A detail.' });
        const result = await send();
        const expected = outcome === 'operator' ? 'unavailable' : outcome;
        expect(result, name).to.include({ outcome: expected, class: errorClass, code: name });
        expect(result).to.include({ httpStatus: status, detail: 'A detail.' });
        if (result.outcome === 'unavailable')
          expect(result.isOperatorError, name).to.equal(outcome === 'operator');
      }
  });

  it('reads a validation error by its status and its text', async () => {
    const cases: [number, string, string, string][] = [
      [400, 'Invalid `to` field', 'rejected', 'provider_error'],
      [422, 'Invalid `to` field', 'rejected', 'provider_error'],
      [400, 'API key is invalid', 'unavailable', 'account_problem'],
      [401, 'API key is invalid', 'unavailable', 'account_problem'],
      [403, 'The example.com domain is not verified.', 'unavailable', 'sender_not_allowed'],
    ];
    for (const [status, message, outcome, errorClass] of cases) {
      respond(status, { name: 'validation_error', message });
      expect(await send()).to.include({ outcome, class: errorClass, code: 'validation_error' });
    }
  });

  it('reads a response without a known name by its status', async () => {
    for (const [outcome, statuses] of Object.entries(STATUSES))
      for (const status of statuses)
        for (const body of ['', '<html>', '[]', { name: 'future_error' }, { name: 5 }]) {
          respond(status, body);
          const result = await send();
          const isOperator = outcome === 'operator';
          expect(result, `${status}`).to.include({ outcome: isOperator ? 'unavailable' : outcome });
          expect(result).to.include({ code: `http_${status}` });
        }
    for (const body of ['', '{"id": ', '{}', '{"id":5}']) {
      respond(200, body);
      expect(await send(), body).to.include({ outcome: 'unknown', code: 'malformed_response' });
    }
  });

  it('repeats an unknown request with its key, and does not fail for a key that is in progress', async () => {
    answers = [
      { status: 503, body: '', headers: { 'retry-after': '0' } },
      { status: 200, body: JSON.stringify({ id: ID }) },
    ];
    expect(await send(referenceEmail(), { once: false })).to.include({ outcome: 'accepted' });
    expect(requests).to.have.lengthOf(2);
    expect(requests[0]?.headers['idempotency-key']).to.equal(requests[1]?.headers['idempotency-key']);
    respond(409, { name: 'concurrent_idempotent_requests', message: 'in progress' });
    expect(await send(referenceEmail(), { mayHaveBeenAccepted: true })).to.include({ outcome: 'unknown' });
    // An earlier attempt may have sent the email, so that it cannot fail.
    respond(409, { name: 'invalid_idempotent_request', message: 'another payload' });
    expect(await send(referenceEmail(), { mayHaveBeenAccepted: true })).to.include({ outcome: 'unknown' });
    answers = [
      { status: 504, body: '', headers: { 'retry-after': '0' } },
      {
        status: 409,
        body: JSON.stringify({ name: 'invalid_idempotent_request', message: 'another payload' }),
      },
    ];
    expect(await send(referenceEmail(), { once: false })).to.include({ outcome: 'unknown' });
  });

  it('is checked by the list of domains, which a key for sending cannot read', async () => {
    const check = async () =>
      (await provider.check?.(callContext()))?.map(({ result, text }) => `${result} ${text}`);
    respond(200, { object: 'list', data: [{ name: 'example.com', status: 'verified' }] });
    expect(await check()).to.deep.equal(['ok API key: accepted; verified domains: 1']);
    expect(requests[0]).to.include({ method: 'GET', url: '/domains' });
    respond(200, { data: [{ name: 'example.com', status: 'pending' }] });
    expect((await check())?.[1]).to.match(/^warning domains: none is verified/);
    respond(401, { name: 'restricted_api_key', message: 'This API key is restricted to only send emails' });
    expect((await check())?.[0]).to.match(/^warning API key: accepted, for sending only/);
    respond(400, { name: 'validation_error', message: 'API key is invalid' });
    expect((await check())?.[0]).to.match(/^fault API key: API key is invalid/);
    respond(200, '<html>');
    expect((await check())?.[0]).to.match(/^fault .*not from Resend/);
  });
});

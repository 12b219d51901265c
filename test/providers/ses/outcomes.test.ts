import { expect } from 'chai';
import type { CallContext, Provider } from '../../../src/providers/provider.ts';
import type { SesSettings } from '../../../src/providers/ses/config.ts';
import { createSesProvider } from '../../../src/providers/ses/send.ts';
import { expectSame, readBack, referenceEmail } from '../../support/mail.ts';
import { callContext, type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, TOPIC } from '../../support/ses.ts';

const ID = '010001929a8f1c7e-0d3f2a5e-3f51-4c3b-9f43-6a0d1f7f0c55-000000';

/** The types of errors, by the outcome and the class that the message has. */
const TYPES: Record<string, string[]> = {
  'throttled rate_limited': ['TooManyRequestsException', 'ThrottlingException', 'Throttling'],
  'operator account_problem': [
    ...['AccountSuspendedException', 'LimitExceededException', 'SendingPausedException', 'NotFoundException'],
    ...[
      'AccessDeniedException',
      'ExpiredTokenException',
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
    ],
    ...['UnrecognizedClientException', 'MissingAuthenticationTokenException', 'RequestExpired'],
  ],
  'operator sender_not_allowed': ['MailFromDomainNotVerifiedException'],
  'rejected content_rejected': ['MessageRejected'],
  'rejected provider_error': ['BadRequestException', 'ValidationException'],
  'unknown provider_error': ['InternalFailure', 'ServiceUnavailable'],
};
/** The statuses of responses without a known type, by their outcome. */
const STATUSES: Record<string, number[]> = {
  unknown: [303, 408, 500, 502, 503, 504, 520, 599],
  operator: [301, 307, 401, 403, 404, 405, 525],
  unavailable: [521, 523],
  rejected: [400, 409, 413, 422],
  throttled: [429],
};

interface Sent {
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  text: string;
}

describe('An account at SES', () => {
  let server: ProviderServer;
  let answers: { status: number; body: string; headers?: Record<string, string> }[];
  const requests: Sent[] = [];
  before(async () => {
    server = await startProviderServer(async (request, response) => {
      const text = (await request.toArray()).join('');
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers: headers as Sent['headers'], text });
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) as (typeof answers)[number];
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body);
    });
  });
  after(() => server.stop());
  beforeEach(() => {
    requests.length = 0;
    respond(200, { MessageId: ID });
  });

  function respond(status: number, body: object | string, headers: Record<string, string> = {}): void {
    answers = [{ status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }];
  }
  const account = (more: Partial<SesSettings> = {}): Provider => {
    return createSesProvider(
      {
        ...{ name: 'ses', channel: 'email', kind: 'ses', simulated: false, warnings: [], senders: null },
        ...{ perSecond: null, perSecondPerSender: null, consentReplies: null },
        settings: {
          ...{ url: server.url, region: 'us-east-1', accessKeyId: ACCESS_KEY_ID, configurationSet: null },
          ...{
            secretAccessKey: SECRET_ACCESS_KEY,
            sessionToken: null,
            topicArns: [TOPIC],
            simulatorOrigin: null,
          },
          ...more,
        },
      },
      10_000,
    );
  };
  const send = (message = referenceEmail(), context: Partial<CallContext> = {}, more = {}) =>
    account(more).send(message, callContext(context));

  it('does not send an email with an address that needs SMTPUTF8', async () => {
    for (const changes of [{ reply_to: 'jörg@example.net' }, { from: 'jörg@example.com' }])
      expect(await send(referenceEmail(changes))).to.include({
        ...{ outcome: 'rejected', class: 'invalid_destination', code: 'smtputf8_not_supported' },
      });
    expect(requests).to.deep.equal([]);
  });

  it('sends the whole email as MIME, without the blind copies, which only the envelope has', async () => {
    const message = referenceEmail();
    expect(await send(message, {}, { configurationSet: 'shop' })).to.deep.equal({
      ...{ outcome: 'accepted', httpStatus: 200, providerMessageId: ID },
      wireMessageId: `${ID}@email.amazonses.com`,
    });
    expect(await send(message, {}, { region: 'eu-west-1' })).to.include({
      wireMessageId: `${ID}@eu-west-1.amazonses.com`,
    });
    const [request] = requests;
    expect(request).to.include({ method: 'POST', url: '/v2/email/outbound-emails' });
    const { Content, ...others } = JSON.parse(String(request?.text));
    expect(others).to.deep.equal({
      FromEmailAddress: 'shop@example.com',
      Destination: {
        ...{ ToAddresses: ['ada@example.net', 'grace@example.net'], CcAddresses: ['mary@example.net'] },
        BccAddresses: ['audit-blind@example.org'],
      },
      EmailTags: [{ Name: 'echo', Value: '16-Cz-aUmoMS16dDh9vCnwtEQ' }],
      ConfigurationSetName: 'shop',
    });
    const raw = Buffer.from(Content.Raw.Data, 'base64');
    expect(raw.toString('latin1')).to.not.include('blind');
    expectSame(await readBack(raw), message);
  });

  it('sends to the recipients who are left, in ASCII, and names all in the headers', async () => {
    const to = ['ada@example.net', 'grace@bücher.example'];
    const message = referenceEmail({ to });
    const email = { ...message.email, envelope: [to[1] as string] };
    await send({ ...message, email });
    const { Destination, Content } = JSON.parse(String(requests[0]?.text));
    expect(Destination).to.deep.equal({ ToAddresses: ['grace@xn--bcher-kva.example'] });
    const received = await readBack(Buffer.from(Content.Raw.Data, 'base64'));
    expect(received.to.map(({ address }) => address)).to.include('ada@example.net');
    expect(received.to).to.have.lengthOf(2);
  });

  it('signs a repeated request again', async () => {
    answers = [
      { status: 521, body: '', headers: { 'retry-after': '1' } },
      { status: 200, body: JSON.stringify({ MessageId: ID }) },
    ];
    const token = 'a-session-token-of-a-role';
    const outcome = await send(referenceEmail(), { once: false }, { sessionToken: token });
    expect(outcome).to.include({ outcome: 'accepted' });
    expect(requests).to.have.lengthOf(2);
    const [first, second] = requests.map(({ headers }) => headers);
    for (const header of ['x-amz-date', 'authorization'])
      expect(first?.[header]).to.not.equal(second?.[header]);
    expect(second?.['x-amz-security-token']).to.equal(token);
    expect(second?.authorization).to.match(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE000000000\/\d{8}\/us-east-1\/ses\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
    );
  });

  it('reads the type of an error from the header and from the body, with any status', async () => {
    for (const [meaning, types] of Object.entries(TYPES))
      for (const type of types)
        for (const status of [400, 403, 429, 500]) {
          const [outcome, errorClass] = meaning.split(' ');
          const header = {
            'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazonaws.ses/`,
          };
          if (status === 400) respond(status, { message: 'A detail.' }, header);
          else respond(status, { __type: `com.amazonaws.ses#${type}`, message: 'A detail.' });
          const result = await send();
          const expected = outcome === 'operator' ? 'unavailable' : outcome;
          expect(result, `${type} ${status}`).to.include({ outcome: expected, class: errorClass });
          expect(result).to.include({ code: type, httpStatus: status, detail: 'A detail.' });
          if (result.outcome === 'unavailable')
            expect(result.isOperatorError, type).to.equal(outcome === 'operator');
        }
  });

  it('reads the daily quota as an operator error, and the rate as throttling', async () => {
    for (const type of ['ThrottlingException', 'TooManyRequestsException']) {
      respond(400, { message: 'Daily message quota exceeded.' }, { 'x-amzn-errortype': type });
      expect(await send(), type).to.include({
        ...{ outcome: 'unavailable', class: 'account_problem', isOperatorError: true, code: type },
      });
      respond(400, { message: 'Maximum sending rate exceeded.' }, { 'x-amzn-errortype': type });
      expect(await send(), type).to.include({ outcome: 'throttled' });
    }
  });

  it('reads an unverified identity as an operator error, and an illegal address as an error of the message', async () => {
    const type = (name: string) => ({ 'x-amzn-errortype': name });
    respond(400, { message: 'Email address is not verified. The following …' }, type('MessageRejected'));
    expect(await send()).to.include({
      outcome: 'unavailable',
      class: 'sender_not_allowed',
      isOperatorError: true,
    });
    respond(400, { message: "Missing final '@domain'" }, type('BadRequestException'));
    expect(await send()).to.include({ outcome: 'rejected', class: 'invalid_destination' });
  });

  it('reads a response without a known type by its status', async () => {
    for (const [outcome, statuses] of Object.entries(STATUSES))
      for (const status of statuses)
        for (const body of ['', '<html>', '[]', { __type: 'FutureException' }, { message: 5 }]) {
          respond(status, body);
          const result = await send();
          const isOperator = outcome === 'operator';
          expect(result, `${status}`).to.include({ outcome: isOperator ? 'unavailable' : outcome });
          expect(result).to.include({ code: `http_${status}`, httpStatus: status });
          if (result.outcome === 'unavailable') expect(result.isOperatorError).to.equal(isOperator);
        }
  });

  it('does not know the outcome of a success without an id', async () => {
    for (const body of ['', '{"MessageId": ', '{}', '{"MessageId":5}', '{"MessageId":""}']) {
      respond(200, body);
      expect(await send(), body).to.include({ outcome: 'unknown', code: 'malformed_response' });
    }
  });

  it('repeats a request inside a call only if SES certainly did not process it', async () => {
    for (const status of [500, 503, 429, 403]) {
      requests.length = 0;
      respond(status, '', { 'retry-after': '0' });
      await send(referenceEmail(), { once: false });
      expect([status, requests.length]).to.deep.equal([status, 1]);
    }
  });

  it('has neither idempotency keys nor a look-up', async () => {
    const provider = account();
    expect(provider.capabilities).to.include({ lookUp: null, idempotencyKeys: false, echo: true });
    expect(await provider.lookUp(referenceEmail(), callContext())).to.equal('inconclusive');
    expect(requests).to.deep.equal([]);
  });

  it('is checked by the state of the account', async () => {
    const check = async () =>
      (await account().check?.(callContext()))?.map(({ result, text }) => `${result} ${text}`);
    respond(200, { SendingEnabled: true, ProductionAccessEnabled: true });
    expect(await check()).to.deep.equal(['ok credentials: accepted']);
    expect(requests[0]).to.include({ method: 'GET', url: '/v2/email/account' });
    respond(200, { SendingEnabled: false, ProductionAccessEnabled: false });
    expect((await check())?.map((line) => line.slice(0, 16))).to.deep.equal([
      ...['ok credentials: ', 'fault sending: p', 'warning sandbox:'],
    ]);
    const denied = { 'x-amzn-errortype': 'AccessDeniedException' };
    respond(403, { message: 'not authorized to perform ses:GetAccount' }, denied);
    expect((await check())?.[0]).to.match(/^warning credentials: accepted, without the permission/);
    respond(
      403,
      { message: 'The security token is invalid' },
      { 'x-amzn-errortype': 'UnrecognizedClientException' },
    );
    expect((await check())?.[0]).to.match(/^fault credentials: .*Correct SES_REGION or SES_ACCESS_KEY_ID/);
    respond(200, '<html>');
    expect((await check())?.[0]).to.match(/^fault .*not from SES/);
  });
});

import { expect } from 'chai';
import type { SendOutcome } from '../../../src/providers/provider.ts';
import { type Email, expectSame, referenceEmail } from '../../support/mail.ts';
import { callContext, type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { API_KEY, receivedOf, type SentEmail, sendgridProvider } from '../../support/sendgrid.ts';

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const ACCEPTED: Answer = { status: 202, headers: { 'x-message-id': 'a1b2c3' } };
const errors = (message: string, field: string | null = null) => ({
  errors: [{ message, field, help: null }],
});

describe('The kind sendgrid', () => {
  let server: ProviderServer;
  let answer: Answer;
  let sent: { path: string; authorization: string; body: SentEmail }[];
  before(async () => {
    server = await startProviderServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      const { authorization = '' } = request.headers;
      sent.push({ path: request.url ?? '', authorization, body: body && JSON.parse(body) });
      const { status, headers = {}, body: content = '' } = answer;
      response
        .writeHead(status, headers)
        .end(typeof content === 'string' ? content : JSON.stringify(content));
    });
  });
  after(() => server.stop());
  beforeEach(() => {
    answer = ACCEPTED;
    sent = [];
  });

  const send = (message: Email = referenceEmail()): Promise<SendOutcome> =>
    sendgridProvider(server.url).send(message, callContext());
  const to = (changes: Partial<Email>, envelope: string[]) => {
    const message = referenceEmail(changes);
    return { ...message, email: { ...message.email, envelope } };
  };

  it('sends an email whole, with its Message-ID, its thread and the echo', async () => {
    const message = referenceEmail();
    expect(await send(message)).to.deep.equal({
      ...{ outcome: 'accepted', httpStatus: 202, providerMessageId: 'a1b2c3' },
    });
    const [{ path, authorization, body }] = sent as [(typeof sent)[0]];
    expect([path, authorization]).to.deep.equal(['/v3/mail/send', `Bearer ${API_KEY}`]);
    expectSame(receivedOf(body), message);
    expect(body.content.map(({ type }) => type)).to.deep.equal(['text/plain', 'text/html']);
    expect(body.personalizations).to.have.lengthOf(1);
    expect(body.personalizations[0]?.bcc).to.deep.equal([{ email: message.bcc?.[0] }]);
    expect(body.personalizations[0]?.custom_args.echo).to.match(/^16-[\w-]{22}$/);
  });

  it('sends to the open recipients of the call only, each once', async () => {
    await send(
      to({ to: ['a@example.net', 'b@example.net'], cc: ['b@example.net', 'c@example.net'], bcc: null }, [
        'b@example.net',
        'c@example.net',
      ]),
    );
    await send(
      to({ to: ['a@example.net'], cc: ['c@example.net'], bcc: ['d@example.net'] }, [
        'c@example.net',
        'd@example.net',
      ]),
    );
    const blind = ['d@example.net', 'e@example.net'];
    await send(to({ to: ['a@example.net'], cc: null, bcc: blind }, blind));
    const addresses = (list: { email: string }[] = []) => list.map(({ email }) => email).join();
    const named = sent.map(({ body }) =>
      body.personalizations.map((each) => [each.to, each.cc, each.bcc].map(addresses).join('/')),
    );
    expect(named).to.deep.equal([
      ['b@example.net/c@example.net/'],
      ['c@example.net//d@example.net'],
      ['d@example.net//', 'e@example.net//'],
    ]);
  });

  it('sends an email without subject and text, which SendGrid requires, and headers in ASCII', async () => {
    const message = referenceEmail({ subject: null, files: [], reply_to: null });
    const email = { ...message.email, text: null, html: null, headers: { 'X-Name': 'Zoë' }, references: [] };
    await send({ ...message, email: { ...email, inReplyTo: null } });
    const [{ body }] = sent as [(typeof sent)[0]];
    expect(body).to.deep.include({ subject: ' ', content: [{ type: 'text/plain', value: ' ' }] });
    expect(body).not.to.have.any.keys('attachments', 'reply_to');
    expect(body.headers).to.deep.equal({
      'Message-ID': `<${message.email.messageId}>`,
      'X-Name': '=?UTF-8?Q?Zo=C3=AB?=',
    });
  });

  const OUTCOMES: [title: string, answer: Answer, outcome: object][] = [
    ['202 without an id', { status: 202 }, { outcome: 'unknown', code: 'malformed_response' }],
    [
      '400 for a recipient',
      { status: 400, body: errors('Does not contain a valid address.', 'personalizations.0.to.0.email') },
      { outcome: 'rejected', class: 'invalid_destination', code: 'invalid_recipient' },
    ],
    [
      '400 for the sender',
      { status: 400, body: errors('Does not contain a valid address.', 'from.email') },
      { outcome: 'rejected', class: 'sender_not_allowed', code: 'invalid_sender' },
    ],
    [
      '400 for the content',
      {
        status: 400,
        body: errors('The attachment content must be base64 encoded.', 'attachments.0.content'),
      },
      { outcome: 'rejected', class: 'content_rejected', code: 'invalid_content' },
    ],
    [
      '400 with an unknown error',
      { status: 400, body: errors('Bad Request') },
      { outcome: 'rejected', class: 'provider_error', code: 'http_400', detail: 'Bad Request' },
    ],
    [
      '401',
      { status: 401, body: errors('The provided authorization grant is invalid', 'null') },
      { outcome: 'unavailable', class: 'account_problem', isOperatorError: true, code: 'http_401' },
    ],
    [
      '401 without credit',
      { status: 401, body: errors('Maximum credits exceeded') },
      { outcome: 'unavailable', class: 'account_problem', isOperatorError: true, code: 'credits_exceeded' },
    ],
    [
      '403 for an unverified sender',
      {
        status: 403,
        body: errors('The from address does not match a verified Sender Identity.', 'from'),
      },
      {
        outcome: 'unavailable',
        class: 'sender_not_allowed',
        isOperatorError: true,
        code: 'sender_not_verified',
      },
    ],
    ['413', { status: 413, body: '<html>' }, { outcome: 'rejected', class: 'content_rejected' }],
    [
      '429 with the time of its end',
      { status: 429, headers: { 'x-ratelimit-reset': '7' }, body: errors('too many requests') },
      { outcome: 'throttled', class: 'rate_limited', retryAfterMs: 7_000 },
    ],
    ['500', { status: 500, body: errors('internal server error') }, { outcome: 'unknown', code: 'http_500' }],
    ['503', { status: 503 }, { outcome: 'unknown', code: 'http_503' }],
    ['523 of a proxy', { status: 523 }, { outcome: 'unavailable', isOperatorError: false }],
  ];

  it('reads each response by its errors first and its status second', async () => {
    for (const [title, given, outcome] of OUTCOMES) {
      answer = given;
      expect(await send(), title).to.include({ ...outcome, httpStatus: given.status });
    }
  });

  it('checks the API key by its permissions', async () => {
    const check = async () => (await sendgridProvider(server.url).check?.(callContext()))?.[0];
    const scopes = (...list: string[]): Answer => ({ status: 200, body: { scopes: list } });
    answer = scopes('mail.send', 'stats.read');
    expect(await check()).to.deep.equal({ result: 'ok', text: 'API key: accepted; it can send' });
    answer = scopes('stats.read');
    expect(await check()).to.include({ result: 'fault' });
    answer = { status: 200, body: '<html>' };
    expect(await check()).to.include({ result: 'fault' });
    answer = { status: 401, body: errors('authorization required') };
    expect((await check())?.text).to.match(/^API key: authorization required .*Correct SENDGRID_API_KEY/);
  });
});

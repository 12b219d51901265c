import { expect } from 'chai';
import { missingForFiles } from '../../../src/providers/file-capabilities.ts';
import { toRequest } from '../../../src/providers/postmark/request.ts';
import type { SendOutcome } from '../../../src/providers/provider.ts';
import { type Email, expectSame, referenceEmail } from '../../support/mail.ts';
import { postmarkProvider, receivedOf, SERVER_TOKEN, type SentEmail } from '../../support/postmark.ts';
import { callContext, type ProviderServer, startProviderServer } from '../../support/provider-server.ts';

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const ID = '0a129aee-e1cd-480d-b08d-4f48548ff48d';
const accepted = (Message = 'OK'): Answer => ({
  status: 200,
  body: { MessageID: ID, ErrorCode: 0, Message },
});
const refused = (status: number, ErrorCode: number, Message = 'No.'): Answer => ({
  ...{ status, body: { ErrorCode, Message } },
});

describe('The kind postmark', () => {
  let server: ProviderServer;
  let answer: Answer;
  let sent: { url: string; token: unknown; accept: unknown; body: SentEmail }[];
  before(async () => {
    server = await startProviderServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      const { 'x-postmark-server-token': token, accept } = request.headers;
      sent.push({ url: request.url ?? '', token, accept, body: body && JSON.parse(body) });
      const { status, headers = {}, body: content = '' } = answer;
      response
        .writeHead(status, headers)
        .end(typeof content === 'string' ? content : JSON.stringify(content));
    });
  });
  after(() => server.stop());
  beforeEach(() => {
    answer = accepted();
    sent = [];
  });

  const send = (message: Email = referenceEmail()): Promise<SendOutcome> =>
    postmarkProvider(server.url).send(message, callContext());
  const to = (changes: Partial<Email>, envelope: string[]) => {
    const message = referenceEmail(changes);
    return { ...message, email: { ...message.email, envelope } };
  };

  it('sends an email whole, with its Message-ID, its thread and the echo', async () => {
    const message = referenceEmail();
    expect(await send(message)).to.deep.equal({
      outcome: 'accepted',
      httpStatus: 200,
      providerMessageId: ID,
    });
    const [{ url, token, accept, body }] = sent as [(typeof sent)[0]];
    expect([url, token, accept]).to.deep.equal(['/email', SERVER_TOKEN, 'application/json']);
    expectSame(receivedOf(body), message);
    expect(body).to.include({ Bcc: message.bcc?.join(), MessageStream: 'outbound' });
    expect(body.Metadata.echo).to.match(/^16-[\w-]{22}$/);
    expect(body.Headers).to.deep.include({ Name: 'X-PM-KeepID', Value: 'true' });
  });

  it('sends to the open recipients of the call only, each once', async () => {
    const cc = ['b@example.net', 'c@example.net'];
    await send(to({ to: ['a@example.net', 'b@example.net'], cc, bcc: null }, cc));
    await send(
      to({ to: ['a@example.net'], cc: ['c@example.net'], bcc: ['d@example.net'] }, ['d@example.net']),
    );
    const named = sent.map(({ body }) => [body.To, body.Cc, body.Bcc]);
    expect(named).to.deep.equal([
      ['b@example.net', 'c@example.net', undefined],
      [undefined, undefined, 'd@example.net'],
    ]);
  });

  it('finds the recipients whom Postmark has dropped inside a success, in each wording', async () => {
    const envelope = ['a@example.net', 'in.active@example.net', 'z@example.net', 'active@example.net'];
    const outcomeOf = async (text: string) => {
      answer = accepted(text);
      const outcome = await send(to({ to: envelope, cc: null, bcc: null }, envelope));
      return 'refused' in outcome ? outcome.refused : [];
    };
    const texts = [
      'Message OK, but will not deliver to these inactive addresses: in.active@example.net, Z@example.net.',
      'Message OK, but will not deliver to these inactive addresses: in.active@example.net, z@example.net. Inactive recipients are ones that have generated a hard bounce or a spam complaint.',
      'Found inactive addresses: "z@example.net"; <in.active@example.net>',
    ];
    const quoted = ["o'brien@example.net", 'brien@example.net'];
    answer = accepted("Message OK, but will not deliver to these inactive addresses: o'brien@example.net.");
    const only = await send(to({ to: quoted, cc: null, bcc: null }, quoted));
    expect('refused' in only && only.refused?.map(({ address }) => address)).to.deep.equal(
      quoted.slice(0, 1),
    );
    for (const text of texts) {
      const dropped = await outcomeOf(text);
      expect(
        dropped?.map(({ address }) => address),
        text,
      ).to.have.members(['in.active@example.net', 'z@example.net']);
      expect(dropped?.[0]).to.include({
        outcome: 'rejected',
        class: 'opted_out',
        code: '406',
        httpStatus: 200,
      });
    }
    expect(await outcomeOf('OK')).to.deep.equal([]);
    expect(await outcomeOf('Test job accepted for a@example.net')).to.deep.equal([]);
  });

  const OUTCOMES: [title: string, answer: Answer, outcome: object][] = [
    ['200 without an id', { status: 200, body: {} }, { outcome: 'unknown', code: 'malformed_response' }],
    ['200 with an error', refused(200, 300), { outcome: 'rejected', code: '300' }],
    ['401', refused(401, 10), { outcome: 'unavailable', class: 'account_problem', isOperatorError: true }],
    ['no credit', refused(422, 405), { outcome: 'unavailable', class: 'account_problem', code: '405' }],
    ['a pending account', refused(422, 412), { outcome: 'unavailable', isOperatorError: true }],
    ['an unknown stream', refused(422, 1235), { outcome: 'unavailable', isOperatorError: true }],
    ['an unknown sender', refused(422, 400), { outcome: 'unavailable', class: 'sender_not_allowed' }],
    ['an unconfirmed sender', refused(422, 401), { outcome: 'unavailable', class: 'sender_not_allowed' }],
    ['inactive recipients', refused(422, 406), { outcome: 'rejected', class: 'opted_out', code: '406' }],
    [
      'an invalid recipient',
      refused(422, 300, "Error parsing 'To': Illegal email address 'x'."),
      { outcome: 'rejected', class: 'invalid_destination' },
    ],
    ['a forbidden file', refused(422, 411), { outcome: 'rejected', class: 'content_rejected' }],
    ['an unknown code', refused(422, 9_999), { outcome: 'rejected', class: 'provider_error', code: '9999' }],
    ['413', { status: 413 }, { outcome: 'rejected', class: 'content_rejected', code: 'http_413' }],
    [
      '429',
      { ...refused(429, 429), headers: { 'retry-after': '3' } },
      { outcome: 'throttled', class: 'rate_limited', retryAfterMs: 3_000 },
    ],
    ['500', refused(500, 0), { outcome: 'unknown', code: 'http_500' }],
    ['503', { status: 503 }, { outcome: 'unavailable', isOperatorError: false }],
    ['maintenance', refused(503, 100), { outcome: 'unavailable', isOperatorError: false, code: '100' }],
  ];

  it('reads each response by its code first and its status second', async () => {
    for (const [title, given, outcome] of OUTCOMES) {
      answer = given;
      expect(await send(), title).to.include({ ...outcome, httpStatus: given.status });
    }
  });

  it('looks an email up by the echo in its metadata', async () => {
    const lookUp = () => postmarkProvider(server.url).lookUp(referenceEmail(), callContext());
    answer = { status: 200, body: { TotalCount: 1, Messages: [{ MessageID: ID }] } };
    expect(await lookUp()).to.deep.equal({ found: true, providerMessageId: ID });
    expect(sent[0]?.url).to.match(/^\/messages\/outbound\?count=1&offset=0&metadata_echo=16-[\w-]{22}$/);
    answer = { status: 200, body: { TotalCount: 0, Messages: [] } };
    expect(await lookUp()).to.deep.equal({ found: false });
    for (const body of ['<html>', { Messages: [{}] }, { Messages: {} }, { Messages: [null] }]) {
      answer = { status: 200, body };
      expect(await lookUp(), JSON.stringify(body)).to.equal('inconclusive');
    }
    answer = refused(500, 0);
    expect(await lookUp()).to.have.nested.include({ 'failure.outcome': 'unknown' });
    expect(postmarkProvider(server.url).lookUpLagMs).to.equal(300_000);
  });

  it('has a limit for files with which the whole request is within the 10 MB of Postmark, so that more are refused on submission', () => {
    const { capabilities } = postmarkProvider(server.url);
    const size = capabilities.maxMediaBytes as number;
    const message = referenceEmail();
    const missing = (bytes: number) =>
      missingForFiles(capabilities, {
        ...{ ...message, attachments: [], segments: null },
        media: [{ id: 1, content_type: 'application/pdf', size: bytes }],
      });
    expect([missing(size).length, missing(size + 1).length]).to.deep.equal([0, 1]);
    const [file] = message.files;
    const files = [{ ...file, content: Buffer.alloc(size) }] as Email['files'];
    const request = JSON.stringify(toRequest({ ...message, files }, { echo: 'echo', stream: 'outbound' }));
    expect(request.length).to.be.within(9_000_000, 9_500_000);
  });

  it('checks the token by its server', async () => {
    const check = async () => (await postmarkProvider(server.url).check?.(callContext()))?.[0];
    const results: [Answer, string, RegExp][] = [
      [{ status: 200, body: { Name: 'A', DeliveryType: 'Live' } }, 'ok', /accepted/],
      [{ status: 200, body: { Name: 'A', DeliveryType: 'Sandbox' } }, 'warning', /sandbox/],
      [{ status: 200, body: '<html>' }, 'fault', /POSTMARK_URL/],
      [refused(401, 10), 'fault', /POSTMARK_SERVER_TOKEN/],
    ];
    for (const [given, result, text] of results) {
      answer = given;
      expect((await check())?.result).to.equal(result);
      expect((await check())?.text).to.match(text);
    }
  });
});

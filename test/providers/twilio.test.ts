import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { inboundSms, sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import { timelineOf } from '../support/timeline.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  type Callback,
  inboundForm,
  PUBLIC_URL,
  sendCallback,
  sidOf,
  signatureOf,
  statusForm,
  twilioEnvironment,
} from '../support/twilio.ts';

interface Sent {
  authorization: string | undefined;
  url: string | undefined;
  form: URLSearchParams;
}

/** What only Twilio has; `conformance/twilio.test.ts` has the behaviour that all kinds share. */
describe('A Twilio account', function () {
  this.timeout(60_000);
  let twilio: ProviderServer;
  let service: Harness;
  const sent: Sent[] = [];
  /** The code of the next error response; null for success. */
  let refusal: unknown = null;
  let lastSid = 10_000;
  /** The SID of every message; null for a SID for each message. */
  let sameSid: string | null = null;
  const listener: RequestListener = async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(request));
    if (refusal !== null) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ code: refusal, message: 'Refused' }));
      return;
    }
    sent.push({ authorization: request.headers.authorization, url: request.url, form });
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ sid: sameSid ?? sidOf(++lastSid), status: 'queued' }));
  };

  before(async () => {
    twilio = await startProviderServer(listener);
    service = await startHarness(twilioEnvironment(twilio.url));
  });
  after(async () => {
    await service.stop();
    await twilio.stop();
  });
  beforeEach(() => {
    sent.length = 0;
    refusal = null;
    sameSid = null;
  });

  const callback = (given: Callback) => sendCallback(service.url, given);
  const inbound = async (MessageSid: string) => {
    const { body } = await service.request('GET', '/api/messages?direction=inbound');
    return body.data.find(
      (message: { provider_message_id: string }) => message.provider_message_id === MessageSid,
    );
  };

  it('sends a form with basic auth, and a callback URL that names the message', async () => {
    const { body } = await service.request('POST', '/api/messages/sms', { ...sms, body: 'a+b & ü' });
    await service.untilStatus(body.id, 'sent');
    const [call] = sent;
    expect(call?.url).to.equal(`/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`);
    const credentials = Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64');
    expect(call?.authorization).to.equal(`Basic ${credentials}`);
    expect(call?.form.get('Body')).to.equal('a+b & ü');
    expect(call?.form.get('From')).to.equal(sms.from);
    expect(call?.form.get('StatusCallback')).to.match(
      /^https:\/\/messaging\.example\/api\/webhooks\/twilio\?echo=[\w-]{24,36}$/,
    );
  });

  it('keeps the spaces of an inbound text', async () => {
    const MessageSid = sidOf(200);
    expect(await callback({ form: inboundForm({ MessageSid, Body: ' Hi é ' }) })).to.include({
      status: 200,
    });
    expect(await inbound(MessageSid)).to.include({ body: ' Hi é ' });
  });

  it('records a message whose SID has the form of a number beyond the range of a double', async () => {
    const MessageSid = `SM${'1e999'.padEnd(32, '0')}`;
    expect(await callback({ form: inboundForm({ MessageSid }) })).to.include({ status: 200 });
    expect(await inbound(MessageSid)).to.include({ provider_message_id: MessageSid });
  });

  it('reads the older names of the fields of a status callback', async () => {
    const { body } = await service.request('POST', '/api/messages/sms', sms);
    const sid = `${(await service.untilStatus(body.id, 'sent')).provider_message_id}`;
    const form = { SmsSid: sid, AccountSid: ACCOUNT_SID, SmsStatus: 'delivered' };
    const addresses = { From: sms.from, To: `${sms.to}` };
    expect(await callback({ form: { ...form, ...addresses } })).to.include({ status: 200 });
    expect((await service.request('GET', `/api/messages/${body.id}`)).body.status).to.equal('delivered');
    expect(await inbound(sid)).to.equal(undefined);
  });

  it('records a message with any status of an inbound message, and with only one address', async () => {
    const cases: Record<string, string>[] = [
      { SmsStatus: 'received' },
      { SmsStatus: 'Receiving' },
      { MessageStatus: 'received' },
      { MessageStatus: '', SmsStatus: '' },
      { From: '' },
      { To: '' },
    ];
    for (const [n, fields] of cases.entries()) {
      const MessageSid = sidOf(210 + n);
      expect(await callback({ form: inboundForm({ MessageSid, ...fields }) })).to.include({ status: 200 });
      expect(await inbound(MessageSid), JSON.stringify(fields)).to.include({ body: 'Hello' });
    }
  });

  it('refuses a signature of another length', async () => {
    const response = await callback({ form: inboundForm({ MessageSid: sidOf(300) }), signature: 'AAAA' });
    expect(response).to.include({ status: 401 });
  });

  it('accepts a signature of the URL with its standard port', async () => {
    const response = await callback({
      form: inboundForm({ MessageSid: sidOf(301) }),
      signedUrl: 'https://messaging.example:443/api/webhooks/twilio',
    });
    expect(response).to.include({ status: 200 });
  });

  it('has a code and a page of an error only if the code has five digits', async () => {
    const page = 'https://www.twilio.com/docs/api/errors/';
    const cases: [code: unknown, expected: string, url: string | null][] = [
      [21_211, '21211', `${page}21211`],
      ['21614', '21614', `${page}21614`],
      [99_999, '99999', `${page}99999`],
      ...[-1, 0, 1, 123_456, 21_211.5, '../x', '', true, [21_211], {}].map(
        (code) => [code, 'http_400', null] as [unknown, string, null],
      ),
    ];
    for (const [code, expected, url] of cases) {
      refusal = code;
      const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
      const { error } = await service.untilStatus(id, 'failed');
      expect(error, JSON.stringify(code)).to.include({ code: expected, url, detail: 'Refused' });
    }
  });

  it('has a code and a page of a receipt only if the code has five digits', async () => {
    const { id } = (await service.request('POST', '/api/messages/sms', sms)).body;
    const { provider_message_id: sid } = await service.untilStatus(id, 'sent');
    for (const [n, code] of ['-1', '0', '123456', '../x', '30003'].entries()) {
      const form = statusForm(sid as string, `strange_${n}`, { ErrorCode: code, ErrorMessage: 'Off' });
      expect(await callback({ form })).to.include({ status: 200 });
    }
    const { receipts } = await timelineOf(service, id);
    const unknown = { code: 'unknown', detail: 'Off', class: 'provider_error', url: null };
    expect(receipts.map(({ error }) => error)).to.deep.equal([
      ...Array(4).fill(unknown),
      {
        ...{ code: '30003', detail: 'Off', class: 'unreachable' },
        url: 'https://www.twilio.com/docs/api/errors/30003',
      },
    ]);
  });

  it('can give one SID to several messages, whose receipts find their message by the echo, then the oldest', async () => {
    sameSid = sidOf(900);
    const send = async () => (await service.request('POST', '/api/messages/sms', sms)).body.id as number;
    const ids: number[] = [];
    for (let n = 0; n < 3; n++) ids.push((await service.untilStatus(await send(), 'sent')).id);
    const [, second] = sent.map(({ form }) => URL.parse(form.get('StatusCallback') as string));
    const report = async (status: string, path?: string) => {
      for (let n = 0; n < 2; n++)
        expect(await callback({ form: statusForm(sidOf(900), status), ...(path && { path }) })).to.include({
          status: 200,
        });
    };
    const statuses = () =>
      Promise.all(ids.map(async (id) => (await service.request('GET', `/api/messages/${id}`)).body.status));
    await report('delivered');
    expect(await statuses()).to.deep.equal(['delivered', 'sent', 'sent']);
    await report('delivered', `${second?.pathname}${second?.search}`);
    expect(await statuses()).to.deep.equal(['delivered', 'delivered', 'sent']);
    for (const [n, id] of ids.entries())
      expect((await timelineOf(service, id)).receipts, `${n}`).to.have.length(n < 2 ? 1 : 0);
  });

  it('has no webhooks at the paths of the kind `standard`', async () => {
    for (const [operation, event] of [
      ['', { ...inboundSms, messaging_provider_id: 'm1' }],
      ['/status', { messaging_provider_id: sidOf(1), status: 'delivered' }],
    ] as const)
      for (const name of ['provider=twilio&', '']) {
        const body = JSON.stringify(event);
        const digest = createHash('sha256').update(body).digest('hex');
        const path = `/api/webhooks/sms${operation}?${name}bodySHA256=${digest}`;
        const signature = signatureOf(`${PUBLIC_URL}${path}`, {});
        const answer = await service.request('POST', path, body, { 'x-twilio-signature': signature });
        expect(answer.status, path).to.equal(401);
        expect(answer.body.detail).to.include('/api/webhooks/{account}');
      }
    expect(await inbound('m1')).to.equal(undefined);
  });
});

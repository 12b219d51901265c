import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  type Callback,
  inboundForm,
  PUBLIC_URL,
  sendCallback,
  sidOf,
  statusForm,
  twilioEnvironment,
} from '../support/twilio.ts';
import { until } from '../support/until.ts';

interface Sent {
  authorization: string | undefined;
  url: string | undefined;
  form: URLSearchParams;
}

describe('A Twilio account', function () {
  this.timeout(60_000);
  let twilio: ProviderServer;
  let service: Harness;
  let answer: (sent: Sent, response: ServerResponse) => unknown;
  const sent: Sent[] = [];
  const accepts = (sid: string) => (_sent: Sent, response: ServerResponse) =>
    response
      .writeHead(201, { 'content-type': 'application/json' })
      .end(JSON.stringify({ sid, status: 'queued' }));
  const refuses = (status: number, code: number) => (_sent: Sent, response: ServerResponse) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ code, message: 'Refused', status }));
  const listener: RequestListener = async (request: IncomingMessage, response) => {
    const form = new URLSearchParams(await text(request));
    const call = { authorization: request.headers.authorization, url: request.url, form };
    if (request.method === 'POST') sent.push(call);
    if (request.method === 'GET') return response.end(JSON.stringify({ messages: [], next_page_uri: null }));
    return answer(call, response);
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
    answer = accepts(sidOf(100));
  });

  const callback = (given: Callback) => sendCallback(service.url, given);
  let recipients = 0;
  /** Sends to a recipient of its own, so that no conversation waits for another. */
  const send = async (more: object = {}) => {
    const to = `+1804555${2_000 + recipients++}`;
    const { status, body } = await service.request('POST', '/api/messages/sms', { ...sms, to, ...more });
    expect(status, JSON.stringify(body)).to.equal(202);
    return body.id as number;
  };
  const messageOf = async (id: number) => (await service.request('GET', `/api/messages/${id}`)).body;
  const echoPath = () => new URL(sent.at(-1)?.form.get('StatusCallback') ?? '').href.slice(PUBLIC_URL.length);

  it('sends a form with basic auth, and a callback URL that names the message', async () => {
    const id = await send({ body: 'a+b & ü' });
    await service.untilStatus(id, 'sent');
    const [call] = sent;
    expect(call?.url).to.equal(`/2010-04-01/Accounts/${ACCOUNT_SID}/Messages.json`);
    const credentials = Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64');
    expect(call?.authorization).to.equal(`Basic ${credentials}`);
    expect(call?.form.get('Body')).to.equal('a+b & ü');
    expect(call?.form.get('From')).to.equal(sms.from);
    expect(call?.form.get('StatusCallback')).to.match(
      /^https:\/\/messaging\.example\/api\/webhooks\/twilio\?echo=[\w-]{24,36}$/,
    );
    expect(await messageOf(id)).to.include({ provider: 'twilio', provider_message_id: sidOf(100) });
  });

  it('follows its callbacks in any order, and ignores unknown statuses and fields', async () => {
    answer = accepts(sidOf(101));
    const id = await send();
    await service.untilStatus(id, 'sent');
    for (const status of ['delivered', 'sent', 'queued', 'teleported', 'delivered']) {
      const form = statusForm(sidOf(101), status, { Unknown: 'field' });
      expect(await callback({ form, path: echoPath() })).to.include({ status: 200 });
    }
    expect((await messageOf(id)).status).to.equal('delivered');
  });

  it('gives the class and the page of a code', async () => {
    answer = accepts(sidOf(102));
    const id = await send();
    await service.untilStatus(id, 'sent');
    await callback({ form: statusForm(sidOf(102), 'undelivered', { ErrorCode: '30007' }), path: echoPath() });
    expect(await messageOf(id)).to.deep.include({
      status: 'undelivered',
      error: {
        code: '30007',
        detail: null,
        class: 'blocked_by_carrier',
        url: 'https://www.twilio.com/docs/api/errors/30007',
      },
    });
  });

  it('is resolved by a callback that arrives before the response to the send', async () => {
    const finish = Promise.withResolvers<void>();
    answer = async (_sent, response) => {
      await finish.promise;
      accepts(sidOf(103))(_sent, response);
    };
    const id = await send();
    await until(() => sent.length === 1, 'the call is made');
    const form = statusForm(sidOf(103), 'delivered');
    expect(await callback({ form, path: echoPath() })).to.include({ status: 200 });
    expect(await messageOf(id)).to.include({ status: 'delivered', provider_message_id: sidOf(103) });
    finish.resolve();
    await until(
      async () => (await service.request('GET', `/api/messages/${id}/attempts`)).body.data.length === 1,
      'the attempt is settled',
    );
    expect(await messageOf(id)).to.include({ status: 'delivered', provider_message_id: sidOf(103) });
    expect(sent).to.have.length(1);
  });

  it('is resolved by a callback after a 500 that did send', async () => {
    answer = refuses(500, 20_500);
    const id = await send();
    await until(async () => (await messageOf(id)).error?.code === '20500', 'the outcome is unknown');
    await callback({ form: statusForm(sidOf(104), 'sent'), path: echoPath() });
    expect(await messageOf(id)).to.deep.include({
      status: 'sent',
      error: null,
      provider_message_id: sidOf(104),
    });
    expect(sent).to.have.length(1);
  });

  it('fails a message to a recipient that has opted out', async () => {
    answer = refuses(400, 21_610);
    const { error } = await service.untilStatus(await send(), 'failed');
    expect(error).to.include({ code: '21610', class: 'opted_out' });
  });

  it('receives a message once, and a reply in the same conversation', async () => {
    answer = accepts(sidOf(105));
    const id = await send({ to: '+18045559999' });
    const form = inboundForm({
      MessageSid: sidOf(200),
      From: '+18045559999',
      Body: ' Hi\u0000 é ',
      New: '1',
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => callback({ form })));
    for (const response of answers)
      expect(response).to.deep.include({
        status: 200,
        type: 'text/xml; charset=utf-8',
        body: '<?xml version="1.0" encoding="UTF-8"?><Response></Response>',
      });
    const { conversation_id } = await messageOf(id);
    const { body } = await service.request('GET', `/api/conversations/${conversation_id}/messages`);
    const inbound = body.data.filter(({ direction }: { direction: string }) => direction === 'inbound');
    expect(inbound).to.have.length(1);
    expect(inbound[0]).to.include({ body: ' Hi é ', provider_message_id: sidOf(200) });
  });

  it('receives the media of a message', async () => {
    const url = 'https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1';
    await callback({
      form: inboundForm({ MessageSid: `MM${sidOf(201).slice(2)}`, NumMedia: '1', MediaUrl0: url }),
    });
    const { body } = await service.request('GET', '/api/messages?type=mms&direction=inbound');
    expect(body.data[0]).to.deep.include({ attachments: [url] });
  });

  describe('401', () => {
    const form = inboundForm({ MessageSid: sidOf(300) });
    const forged: Record<string, Callback> = {
      'a wrong token': { form, token: 'fedcba9876543210fedcba9876543210' },
      'no signature': { form, signature: '' },
      'a signature of another length': { form, signature: 'AAAA' },
      'a signature of another URL': { form, signedUrl: 'https://messaging.example/api/webhooks/other' },
      'a signature of another port': {
        form,
        signedUrl: 'https://messaging.example:8443/api/webhooks/twilio',
      },
      'a signature of http': { form, signedUrl: 'http://messaging.example/api/webhooks/twilio' },
      'an unknown account': { form, path: '/api/webhooks/twilio_eu' },
    };
    for (const [what, given] of Object.entries(forged))
      it(`refuses ${what}, and stores nothing`, async () => {
        expect(await callback(given)).to.include({ status: 401 });
        const stored = await query(
          service.databaseUrl,
          'select from messages where provider_message_id = $1',
          [sidOf(300)],
        );
        expect(stored).to.have.length(0);
      });

    it('accepts the URL with its standard port', async () => {
      const response = await callback({
        form: inboundForm({ MessageSid: sidOf(301) }),
        signedUrl: 'https://messaging.example:443/api/webhooks/twilio',
      });
      expect(response).to.include({ status: 200 });
    });
  });
});

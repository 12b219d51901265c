import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  type Callback,
  inboundForm,
  sendCallback,
  sidOf,
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
  const listener: RequestListener = async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(request));
    sent.push({ authorization: request.headers.authorization, url: request.url, form });
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ sid: sidOf(100 + sent.length), status: 'queued' }));
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
});

import type { RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { timelineOf } from '../../support/timeline.ts';
import {
  inboundEvent,
  sendCallback,
  signatureOf,
  statusEvent,
  uuidOf,
  vonageEnvironment,
} from '../../support/vonage.ts';

const PAGE = 'https://developer.vonage.com/en/api-errors/messages';

describe('A webhook of a Vonage account', function () {
  this.timeout(60_000);
  let vonage: ProviderServer;
  let service: Harness;
  /** The bodies of the requests. */
  const calls: Record<string, unknown>[] = [];
  /** The error of every response; null for success. */
  let refusal: { status: number; body: unknown } | null = null;
  let lastId = 10_000;
  const listener: RequestListener = async (request, response) => {
    calls.push(JSON.parse(await text(request)));
    response.writeHead(refusal?.status ?? 202, { 'content-type': 'application/json' });
    response.end(JSON.stringify(refusal?.body ?? { message_uuid: uuidOf(++lastId) }));
  };
  before(async () => {
    vonage = await startProviderServer(listener);
    service = await startHarness(vonageEnvironment(vonage.url));
  });
  after(async () => {
    await service.stop();
    await vonage.stop();
  });
  beforeEach(() => {
    calls.length = 0;
    refusal = null;
  });

  const send = async (body: object = sms) => {
    const { body: message } = await service.request('POST', '/api/messages/sms', body);
    const { provider_message_id } = await service.untilStatus(message.id, 'sent');
    return { id: message.id as number, uuid: String(provider_message_id) };
  };
  const deliver = async (event: object) =>
    expect(await sendCallback(service.url, { event })).to.include({ status: 200, body: '{}' });
  const inbound = async (id: string) => {
    const { body } = await service.request('GET', '/api/messages?direction=inbound&limit=100');
    return body.data.find((message: { provider_message_id: string }) => message.provider_message_id === id);
  };

  it('has numbers with + and other addresses as they are in an inbound message', async () => {
    const cases: [from: string, expected: string][] = [
      ['447700900001', '+447700900001'],
      ['18045550700', '+18045550700'],
      ['72000', '72000'],
      ['+18045550701', '+18045550701'],
    ];
    for (const [n, [from, expected]] of cases.entries()) {
      await deliver(inboundEvent({ message_uuid: uuidOf(700 + n), from }));
      expect(await inbound(uuidOf(700 + n)), from).to.deep.include({ from: expected, to: ['+12016661234'] });
    }
  });

  it('keeps the time, the spaces and the media of an inbound message', async () => {
    await deliver(inboundEvent({ message_uuid: uuidOf(720), text: ' Hi é ' }));
    const { body, timestamp } = await inbound(uuidOf(720));
    expect([body, timestamp]).to.deep.equal([' Hi é ', '2026-11-26T10:00:02.000Z']);
    for (const [n, type] of ['image', 'audio', 'video', 'vcard', 'file'].entries()) {
      const url = `https://api.nexmo.com/v3/media/${n}`;
      const event = { ...inboundEvent({ message_uuid: uuidOf(730 + n), channel: 'mms' }), text: undefined };
      await deliver({ ...event, message_type: type, [type]: { url, name: 'a', caption: 'Look' } });
      expect(await inbound(uuidOf(730 + n)), type).to.deep.include({
        ...{ type: 'mms', body: 'Look', attachments: [url] },
      });
      expect((await inbound(uuidOf(730 + n))).media?.[0]?.name).to.equal('a');
    }
    await deliver(inboundEvent({ message_uuid: uuidOf(740), channel: 'mms', text: 'Only text' }));
    expect(await inbound(uuidOf(740))).to.deep.include({ type: 'mms', body: 'Only text' });
  });

  it('quarantines a verified webhook of unknown form, of another network or of an old version', async () => {
    const before = (await service.request('GET', '/api/quarantine')).body.data.length;
    const odd = [
      ...[{ message_uuid: 'x' }, {}, [], { message_uuid: uuidOf(1), profile: { name: 'A' } }],
      inboundEvent({ message_uuid: uuidOf(745), channel: 'whatsapp' }),
      { ...inboundEvent({ message_uuid: uuidOf(746) }), channel: undefined },
      // Version 0.1 of the API.
      inboundEvent({
        from: { type: 'sms', number: '18045551234' },
        to: { type: 'sms', number: '12016661234' },
      }),
    ];
    for (const event of odd) await deliver(event);
    expect((await service.request('GET', '/api/quarantine')).body.data).to.have.length(before + odd.length);
  });

  it('answers an unsigned webhook with 503, and any other that is not genuine with 401; nothing is stored', async () => {
    const event = inboundEvent({ message_uuid: uuidOf(750) });
    const unsigned = await sendCallback(service.url, { event, authorization: null });
    expect(unsigned).to.include({ status: 503, retryAfter: '1' });
    expect(JSON.parse(unsigned.body)).to.include({ code: 'unavailable' });
    const good = signatureOf(JSON.stringify(event));
    for (const authorization of [
      ...['Bearer', 'Bearer x', 'Basic YTpi', good.replace('Bearer ', ''), `${good}x`],
      signatureOf(JSON.stringify({ ...event, text: 'Hi' })),
      signatureOf(JSON.stringify(event), 'the secret of somebody else'),
    ])
      expect((await sendCallback(service.url, { event, authorization })).status, authorization).to.equal(401);
    expect(await inbound(uuidOf(750))).to.equal(undefined);
    expect((await sendCallback(service.url, { event, authorization: good })).status).to.equal(200);
    expect(await inbound(uuidOf(750))).to.include({ body: 'Hello' });
  });

  it('applies a status that has only the echo of a message before its response', async () => {
    const { id } = await send();
    const [call] = calls;
    await deliver(statusEvent(uuidOf(760), 'delivered', { client_ref: call?.client_ref }));
    expect((await service.untilStatus(id, 'delivered')).status).to.equal('delivered');
  });

  it('has the code, the class and the page of a status', async () => {
    const { id, uuid } = await send();
    const error = (type: string, title: unknown) => ({ error: { type, title, detail: 'No' } });
    const at = (code: number) => `https://developer.nexmo.com/api-errors/messages-olympus#${code}`;
    await deliver(statusEvent(uuid, 'strange_1', error(at(1180), '1180')));
    await deliver(statusEvent(uuid, 'strange_2', error('', 1210)));
    await deliver(statusEvent(uuid, 'strange_3', error('https://a.example/#unknown', 'Unknown')));
    await deliver(statusEvent(uuid, 'strange_4', error(at(9999), '9999')));
    const { receipts } = await timelineOf(service, id);
    expect(receipts.map(({ error: own }) => own)).to.deep.equal([
      { code: '1180', detail: 'No', class: 'unreachable', url: `${PAGE}#1180` },
      { code: '1210', detail: 'No', class: 'blocked_by_carrier', url: `${PAGE}#1210` },
      { code: 'unknown', detail: 'No', class: 'provider_error', url: null },
      { code: '9999', detail: 'No', class: 'provider_error', url: `${PAGE}#9999` },
    ]);
  });

  it('suppresses a recipient whose opt-out Vonage reports, in a status and in a response', async () => {
    const suppressed = async (to: string) => {
      const { status, body } = await service.request('POST', '/api/messages/sms', { ...sms, to });
      return [status, body.code];
    };
    const error = { type: `${PAGE}#1240`, title: '1240', detail: 'Illegal number' };
    const { id, uuid } = await send({ ...sms, to: '+18045550771' });
    for (let repeat = 0; repeat < 2; repeat++)
      await deliver(statusEvent(uuid, 'rejected', { to: '18045550771', error }));
    expect((await service.untilStatus(id, 'failed')).error).to.include({ code: '1240', class: 'opted_out' });
    refusal = { status: 422, body: { ...error, title: 'Illegal number', instance: 'x' } };
    const { body } = await service.request('POST', '/api/messages/sms', { ...sms, to: '+18045550772' });
    await service.untilStatus(body.id, 'failed');
    for (const to of ['+18045550771', '+18045550772'])
      expect(await suppressed(to), to).to.deep.equal([422, 'recipient_suppressed']);
    refusal = null;
    // A refusal of a message that was sent before the text START is older than the text.
    const earlier = await send({ ...sms, to: '+18045550773' });
    await deliver(inboundEvent({ message_uuid: uuidOf(780), from: '18045550773', text: 'START' }));
    await deliver(statusEvent(earlier.uuid, 'rejected', { to: '18045550773', error }));
    expect((await suppressed('+18045550773'))[0]).to.equal(202);
    const recorded = await query(
      service.databaseUrl,
      "select address, sender, action, source from opt_outs where address in ('+18045550771', '+18045550772') order by id",
    );
    const stop = { sender: '+12016661234', action: 'stop' };
    expect(recorded).to.deep.equal([
      { ...stop, address: '+18045550771', source: 'webhook' },
      { ...stop, address: '+18045550772', source: 'send' },
    ]);
  });
});

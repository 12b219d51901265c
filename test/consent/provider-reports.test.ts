import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { changesOf, entriesOf, repliesTo } from '../support/consent.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import { inboundForm, sendCallback, sidOf, statusForm, twilioEnvironment } from '../support/twilio.ts';
import { until } from '../support/until.ts';

const NUMBER = '+12016661234';

describe('A request that Twilio reports', () => {
  /** Calls that wait for their response. */
  const waiting: ServerResponse[] = [];
  let provider: ProviderServer;
  let service: Harness;
  let count = 0;
  before(async () => {
    provider = await startProviderServer((request, response) => {
      request.resume();
      waiting.push(response);
    });
    service = await startHarness(twilioEnvironment(provider.url));
  });
  after(async () => {
    await service.stop();
    await provider.stop();
  });

  const person = () => `+1804556${String(++count).padStart(4, '0')}`;
  const inbound = async (From: string, Body: string, fields: Record<string, string> = {}) => {
    const MessageSid = sidOf(1_000 + ++count);
    const form = inboundForm({ MessageSid, From, Body, To: NUMBER, ...fields });
    expect((await sendCallback(service.url, { form })).status).to.equal(200);
    return form;
  };
  const send = async (to: string) => {
    const before = waiting.length;
    const { id } = await service.client.messages.send({ from: NUMBER, to, body: 'Hello' });
    await until(() => waiting.length > before, 'the call has begun');
    return id;
  };
  const answer = (status: number, body: object) => {
    const response = waiting.pop() as ServerResponse;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const refuse = () => answer(400, { code: 21_610, message: 'Unsubscribed recipient', status: 400 });
  const reasons = async (address: string) =>
    (await entriesOf(service, address)).map((entry) => [entry.scope, ...entry.reasons]);

  it('to stop and to start changes the ledger, and is answered by Twilio only', async () => {
    const from = person();
    await inbound(from, 'STOP', { OptOutType: 'STOP' });
    expect(await reasons(from)).to.deep.equal([['channel', 'provider_opt_out']]);
    await inbound(from, 'Keine Nachrichten', { OptOutType: 'STOP' });
    await inbound(from, 'Bitte wieder', { OptOutType: 'START' });
    expect(await reasons(from)).to.deep.equal([]);
    expect(await changesOf(service, from)).to.deep.equal([
      ...['added provider_opt_out', 'removed provider_opt_out'],
    ]);
    expect(await repliesTo(service, from)).to.deep.equal([]);
  });

  it('changes nothing when its webhook is redelivered after a START', async () => {
    const from = person();
    const form = await inbound(from, 'STOP', { OptOutType: 'STOP' });
    await inbound(from, 'START', { OptOutType: 'START' });
    await Promise.all(Array.from({ length: 5 }, () => sendCallback(service.url, { form })));
    expect(await reasons(from)).to.deep.equal([]);
  });

  it('does not replace a STOP in the text', async () => {
    for (const OptOutType of ['HELP', 'START']) {
      const from = person();
      await inbound(from, 'STOP', { OptOutType });
      expect(await reasons(from)).to.deep.equal([['channel', 'stop_keyword']]);
      expect(await repliesTo(service, from)).to.deep.equal([]);
    }
  });

  it('is not answered from a long code without its report either, and from a short code', async () => {
    const from = person();
    await inbound(from, 'STOP');
    expect(await repliesTo(service, from)).to.deep.equal([]);
    expect(await reasons(from)).to.deep.equal([['channel', 'stop_keyword']]);
    const other = person();
    await inbound(other, 'STOP', { To: '72345' });
    expect((await repliesTo(service, other)).map(({ from: number }) => number)).to.deep.equal(['72345']);
    await until(() => waiting.length > 0, 'the reply is sent');
    answer(201, { sid: sidOf(999) });
  });

  it('is answered from a long code with TWILIO_CONSENT_REPLIES, but not if Twilio has recognised the request', async () => {
    const own = await startHarness({ ...twilioEnvironment(provider.url), TWILIO_CONSENT_REPLIES: 'true' });
    const post = (From: string, fields: Record<string, string>) => {
      const MessageSid = sidOf(1_000 + ++count);
      return sendCallback(own.url, { form: inboundForm({ MessageSid, From, ...fields }) });
    };
    try {
      const [from, other] = [person(), person()] as const;
      await post(from, { Body: 'STOP' });
      await post(other, { Body: 'STOP', OptOutType: 'STOP' });
      expect(await repliesTo(own, from)).to.have.length(1);
      expect(await repliesTo(own, other)).to.deep.equal([]);
      expect(await entriesOf(own, other)).to.have.length(1);
    } finally {
      await own.stop();
    }
  });

  it('adds the recipient of a refused message, which is the source of the entry', async () => {
    const to = person();
    const id = await send(to);
    refuse();
    expect((await service.untilStatus(id, 'failed')).error).to.include({ code: '21610', class: 'opted_out' });
    expect(await reasons(to)).to.deep.equal([['channel', 'provider_opt_out']]);
    const [entry] = await query(
      service.databaseUrl,
      'select message_id, account from suppressions where address = $1',
      [to],
    );
    expect(entry).to.deep.equal({ message_id: id, account: 'twilio' });
  });

  it('adds the recipient of a message of the previous version, which has no hash, a little later', async () => {
    const to = person();
    const id = await send(to);
    await query(service.databaseUrl, 'update deliveries set recipient_hashes = null where message_id = $1', [
      id,
    ]);
    refuse();
    await service.untilStatus(id, 'failed');
    await until(async () => (await reasons(to)).length === 1, 'the task has applied the request');
    expect(await reasons(to)).to.deep.equal([['channel', 'provider_opt_out']]);
  });

  it('adds nothing if the call of a refused message began before a START', async () => {
    const to = person();
    const id = await send(to);
    await inbound(to, 'START', { OptOutType: 'START' });
    refuse();
    await service.untilStatus(id, 'failed');
    expect(await reasons(to)).to.deep.equal([]);
    const again = await send(to);
    refuse();
    await service.untilStatus(again, 'failed');
    expect(await reasons(to)).to.deep.equal([['channel', 'provider_opt_out']]);
  });

  it('adds the recipient of a message whose status callback has the code 21610, if no START came since its call', async () => {
    for (const starts of [false, true]) {
      const to = person();
      const id = await send(to);
      const sid = sidOf(1_000 + ++count);
      answer(201, { sid });
      await service.untilStatus(id, 'sent');
      if (starts) await inbound(to, 'START');
      const form = statusForm(sid, 'failed', { To: to, From: NUMBER, ErrorCode: '21610' });
      for (let repeat = 0; repeat < 2; repeat++)
        expect((await sendCallback(service.url, { form })).status).to.equal(200);
      expect(await reasons(to)).to.deep.equal(starts ? [] : [['channel', 'provider_opt_out']]);
    }
  });

  it('concerns the number with STOP_SCOPE=sender', async () => {
    const own = await startHarness({ ...twilioEnvironment(provider.url), STOP_SCOPE: 'sender' });
    const scopes = async (address: string) =>
      (await entriesOf(own, address)).map(({ scope, sender, reasons: [reason] }) => [scope, sender, reason]);
    try {
      const [from, to] = [person(), person()] as const;
      const MessageSid = sidOf(1_000 + ++count);
      const form = inboundForm({ MessageSid, From: from, To: NUMBER, Body: 'STOP', OptOutType: 'STOP' });
      await sendCallback(own.url, { form });
      expect(await scopes(from)).to.deep.equal([['sender', NUMBER, 'provider_opt_out']]);
      const before = waiting.length;
      const { id } = await own.client.messages.send({ from: NUMBER, to, body: 'Hello' });
      await until(() => waiting.length > before, 'the call has begun');
      refuse();
      await own.untilStatus(id, 'failed');
      expect(await scopes(to)).to.deep.equal([['sender', NUMBER, 'provider_opt_out']]);
    } finally {
      await own.stop();
    }
  });

  it('concerns the sender id of the refused message with STOP_SCOPE=sender, in any case', async () => {
    const own = await startHarness({ ...twilioEnvironment(provider.url), STOP_SCOPE: 'sender' });
    const sendFrom = (from: string, to: string) =>
      own.request('POST', '/api/messages/sms', { from, to, body: 'Hello' });
    try {
      const to = person();
      const before = waiting.length;
      const { body } = await sendFrom('Acme', to);
      await until(() => waiting.length > before, 'the call has begun');
      refuse();
      await own.untilStatus(body.id, 'failed');
      expect((await entriesOf(own, to)).map(({ sender }) => sender)).to.deep.equal(['acme']);
      for (const from of ['Acme', 'ACME'])
        expect((await sendFrom(from, to)).body).to.include({ code: 'recipient_suppressed' });
    } finally {
      await own.stop();
    }
  });
});

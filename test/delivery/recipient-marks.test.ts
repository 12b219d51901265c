import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { storedFunction } from '../../src/db/functions.ts';
import { changesOf, entriesOf } from '../support/consent.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { recipientEventsOf, verifyThreeOutcomes } from '../support/recipients.ts';
import { timelineOf } from '../support/timeline.ts';
import { until } from '../support/until.ts';

const FROM = 'shop@example.com';
const AT = '2024-11-01T14:00:02.000Z';
const EARLIER = '2024-11-01T13:00:00.000Z';
const UNMARKED = { complained_at: null, unsubscribed_at: null, opened_at: null, clicked_at: null };

describe('A mark of a recipient', () => {
  let service: Harness;
  let count = 0;
  before(async () => {
    service = await startHarness();
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  after(() => service.stop());

  const people = (number: number) => Array.from({ length: number }, () => `person-${++count}@example.com`);
  const send = async (to: string[]) => {
    const body = { from: FROM, to, subject: 'Hello', body: 'Hello' };
    const { id } = (await service.request('POST', '/api/messages/email', body)).body;
    return service.untilStatus(id, 'sent');
  };
  const report = async (message: Pick<Message, 'provider_message_id'>, status: string, more: object = {}) => {
    const event = { xillio_id: message.provider_message_id, status, timestamp: AT, ...more };
    const answer = await service.request('POST', '/api/webhooks/email/status?provider=mail-co', event);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  };
  const read = async ({ id }: Pick<Message, 'id'>): Promise<Message> =>
    (await service.request('GET', `/api/messages/${id}`)).body;
  const eventsOf = async ({ id }: Message, expected: number) => {
    const events = await until(async () => {
      const found = await recipientEventsOf(service, id);
      return found.length >= expected && found;
    }, `${expected} events of message ${id}`);
    return events.map(({ type, data }) => `${type} ${data.address}`);
  };

  it('of an email to three people is kept for the recipient that it names, with the ledger and the events', () =>
    verifyThreeOutcomes({
      ...{ service, from: FROM },
      report: (message, recipient, event) =>
        report(message, event, { recipient, ...(event === 'bounced' && { bounce: 'hard' }) }),
    }));

  it('belongs to the only recipient, in any case of the word, and never changes a status', async () => {
    const [to] = people(1) as [string];
    const message = await send([to]);
    for (const status of ['Opened', 'CLICKED', 'complained']) await report(message, status);
    await report(message, 'unsubscribed', { recipient: `Somebody <${to.toUpperCase()}>` });
    const after = await read(message);
    expect(after).to.deep.include({ status: 'sent', error: null, updated_at: message.updated_at });
    expect(after.marks).to.deep.equal([
      { address: to, complained_at: AT, unsubscribed_at: AT, opened_at: AT, clicked_at: AT },
    ]);
    expect(await entriesOf(service, to)).to.deep.equal([
      { scope: 'channel', sender: null, reasons: ['complaint', 'unsubscribe'], channel: 'email' },
    ]);
    expect((await service.request('GET', '/metrics')).body).to.match(
      /^messaging_delivery_receipts_total{provider="mail-co",status="complained"} \d/m,
    );
    expect(await eventsOf(message, 4)).to.deep.equal([
      ...['recipient.opened', 'recipient.clicked', 'recipient.complained', 'recipient.unsubscribed'].map(
        (type) => `${type} ${to}`,
      ),
    ]);
    const { data } = (
      await service.request('GET', `/api/messages?conversation_id=${message.conversation_id}`)
    ).body;
    expect(data[0].marks).to.deep.equal(after.marks);
  });

  it('keeps its earliest time, and has one event', async () => {
    const message = await send(people(1));
    const [to] = message.to;
    await report(message, 'opened', { recipient: to });
    // Other receipts: one does not name the recipient, the other is of another account.
    await report(message, 'opened', { timestamp: EARLIER });
    await service.request('POST', '/api/webhooks/email/status?provider=mail-co', {
      ...{ xillio_id: message.provider_message_id, status: 'opened', timestamp: '2025-01-01T00:00:00Z' },
    });
    await report(message, 'clicked');
    expect((await read(message)).marks?.[0]).to.deep.include({ opened_at: EARLIER, clicked_at: AT });
    expect(await eventsOf(message, 2)).to.deep.equal([`recipient.opened ${to}`, `recipient.clicked ${to}`]);
  });

  it('is kept for nobody if the receipt names none of several recipients, or a stranger', async () => {
    const to = people(2) as [string, string];
    const message = await send(to);
    for (const status of ['opened', 'clicked', 'complained', 'unsubscribed']) {
      await report(message, status);
      await report(message, status, { recipient: 'stranger@example.com' });
    }
    await report(message, 'opened', { recipient: to[1] });
    const after = await read(message);
    expect(after.status).to.equal('sent');
    expect(after.marks).to.deep.equal([{ ...UNMARKED, address: to[1], opened_at: AT }]);
    for (const address of [...to, 'stranger@example.com'])
      expect(await entriesOf(service, address)).to.deep.equal([]);
    expect(await eventsOf(message, 1)).to.deep.equal([`recipient.opened ${to[1]}`]);
    expect((await timelineOf(service, message.id)).receipts).to.have.length(9);
  });

  it('is not read from a text message', async () => {
    const { body } = await service.request('POST', '/api/messages/sms', {
      ...{ from: '+12016661234', to: '+12015550101', body: 'Hello' },
    });
    const { provider_message_id: id } = await service.untilStatus(body.id, 'sent');
    for (const status of ['complained', 'unsubscribed', 'bounced'])
      await service.request('POST', '/api/webhooks/sms/status', { messaging_provider_id: id, status });
    const message = await service.untilStatus(body.id, 'undelivered');
    expect(message).not.to.have.property('marks');
    expect(await entriesOf(service, '+12015550101')).to.deep.equal([]);
    expect(await recipientEventsOf(service, message.id)).to.deep.equal([]);
  });

  it('that arrives before the id of the message is known is kept and suppresses once, when it is known', async () => {
    const [to, other] = people(2) as [string, string];
    const early = { provider_message_id: 'early-id' };
    await report(early, 'complained', { recipient: to });
    await report(early, 'bounced', { recipient: other, bounce: 'hard' });
    const { id } = await send([to, other]);
    expect(await entriesOf(service, to)).to.deep.equal([]);
    await query(
      service.databaseUrl,
      `update deliveries set provider_message_id = null, status = 'sending', attempt_count = 2 where message_id = $1`,
      [id],
    );
    const settlement = {
      ...{ id, conversation_id: 0, number: 2, provider: 'mail-co', started_at: new Date(), duration_ms: 1 },
      ...{ outcome: 'accepted', http_status: 202, ...early, status: 'sent', next_provider: 'mail-co' },
      ...{ retries: 0, may_have_been_sent: true, pause_ms: 0 },
    };
    await query(service.databaseUrl, `select ${storedFunction('settle_deliveries')}($1)`, [
      JSON.stringify([settlement]),
    ]);
    const message = await read({ id });
    expect(message.recipients?.map(({ status }) => status)).to.deep.equal(['sent', 'undelivered']);
    expect(message.marks).to.deep.equal([{ ...UNMARKED, address: to, complained_at: AT }]);
    for (const [status, recipient] of [
      ['complained', to],
      ['bounced', other],
    ] as const)
      await report(message, status, { recipient, bounce: 'hard' });
    expect(await changesOf(service, to)).to.deep.equal(['added complaint']);
    expect(await changesOf(service, other)).to.deep.equal(['added hard_bounce']);
    expect(await eventsOf(message, 2)).to.deep.equal([
      `recipient.complained ${to}`,
      `recipient.bounced ${other}`,
    ]);
  });

  it('follows a bounce; a bounce follows `delivered`, and a soft bounce or a deferral suppresses nobody', async () => {
    const [message, soft] = [await send(people(1)), await send(people(1))];
    for (const [status, more] of [
      ['delivered', {}],
      ['bounced', { bounce: 'hard', error: { code: '550', detail: 'No such mailbox.' } }],
      ['complained', {}],
    ] as const)
      await report(message, status, more);
    const after = await read(message);
    expect(after.status).to.equal('undelivered');
    expect(after.marks?.[0]?.complained_at).to.equal(AT);
    expect((await entriesOf(service, message.to[0] as string))[0]?.reasons).to.deep.equal([
      ...['complaint', 'hard_bounce'],
    ]);
    const [bounced] = await until(async () => {
      const found = await recipientEventsOf(service, message.id);
      return found.length === 2 && found;
    }, 'both events');
    expect(bounced?.data).to.deep.equal({
      ...{ message_id: message.id, conversation_id: message.conversation_id, address: message.to[0] },
      ...{ bounce: 'hard', error: after.error, occurred_at: AT },
    });
    expect(after.error).to.deep.include({ code: '550', detail: 'No such mailbox.' });

    await report(soft, 'deferred', { bounce: 'soft' });
    expect(await read(soft)).to.deep.equal(soft);
    await report(soft, 'bounced', { bounce: 'soft' });
    expect((await read(soft)).status).to.equal('undelivered');
    expect(await entriesOf(service, soft.to[0] as string)).to.deep.equal([]);
    const { receipts } = await timelineOf(service, soft.id);
    expect(receipts.map(({ status, bounce }) => [status, bounce])).to.deep.equal([
      ['deferred', 'soft'],
      ['bounced', 'soft'],
    ]);
  });

  it('stays after a manual retry, whose bounce has an event of its own', async () => {
    const message = await send(people(1));
    await report(message, 'opened');
    await report(message, 'bounced', { bounce: 'soft' });
    await service.request('POST', `/api/messages/${message.id}/retry`);
    const again = await service.untilStatus(message.id, 'sent');
    expect(again.marks?.[0]?.opened_at).to.equal(AT);
    await report(again, 'bounced', { bounce: 'soft' });
    const types = (await eventsOf(message, 3)).map((event) => event.split(' ')[0]);
    expect(types).to.deep.equal(['recipient.opened', 'recipient.bounced', 'recipient.bounced']);
  });

  it('does not suppress again after a removal, by a report that is older', async () => {
    const [to] = people(1) as [string];
    const [first, second] = [await send([to]), await send([to])];
    await report(first, 'complained', { timestamp: new Date().toISOString() });
    await query(service.databaseUrl, 'update suppression_changes set created_at = $1 where address = $2', [
      AT,
      to,
    ]);
    const path = `/api/suppressions/${encodeURIComponent(to)}?scope=channel`;
    expect((await service.request('DELETE', path)).status).to.be.oneOf([200, 204]);
    await report(second, 'complained');
    expect(await changesOf(service, to)).to.deep.equal(['added complaint', 'removed complaint']);
    expect((await read(second)).marks?.[0]?.complained_at).to.equal(AT);
  });
});

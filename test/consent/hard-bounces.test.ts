import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { storedFunction } from '../../src/db/functions.ts';
import { changesOf, entriesOf } from '../support/consent.ts';
import { query } from '../support/database.ts';
import { type Harness, hashAddress, startHarness } from '../support/harness.ts';

describe('A hard bounce', () => {
  let service: Harness;
  let count = 0;
  before(async () => {
    service = await startHarness();
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
  });
  after(() => service.stop());

  const address = () => `person-${++count}@example.com`;
  const send = async (
    fields: { to: string; cc?: string[]; bcc?: string[] },
    status: Message['status'] = 'sent',
  ) => {
    const body = { from: 'shop@example.com', subject: 'Hello', body: 'Hello', ...fields };
    const { id } = (await service.request('POST', '/api/messages/email', body)).body;
    return service.untilStatus(id, status);
  };
  const bounce = async (id: unknown, more: object = {}) => {
    const event = { xillio_id: id, status: 'bounced', bounce: 'hard', ...more };
    const answer = await service.request('POST', '/api/webhooks/email/status?provider=mail-co', event);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
  };
  const remove = (to: string) =>
    query(service.databaseUrl, `select * from ${storedFunction('change_suppressions')}($1)`, [
      JSON.stringify([
        {
          n: 1,
          change: 'remove',
          address: to,
          address_hash: hashAddress(to),
          channel: 'email',
          scope: 'channel',
        },
      ]),
    ]);
  const idOf = ({ provider_message_id }: Message) => provider_message_id;

  it('suppresses the only recipient, with the receipt as the source', async () => {
    const to = address();
    const message = await send({ to });
    await bounce(idOf(message));
    expect(await entriesOf(service, to)).to.deep.equal([
      { scope: 'channel', sender: null, reasons: ['hard_bounce'], channel: 'email' },
    ]);
    const [row] = await query(
      service.databaseUrl,
      `select message_id, receipt_id = (select id from delivery_receipts where message_id = suppressions.message_id) as receipt,
         account from suppressions where address = $1`,
      [to],
    );
    expect(row).to.deep.equal({ message_id: message.id, receipt: true, account: 'mail-co' });
    const refused = await service.request('POST', '/api/messages/email', {
      ...{ from: 'shop@example.com', to, subject: 'Again', body: 'Again' },
    });
    expect([refused.status, refused.body.code]).to.deep.equal([422, 'recipient_suppressed']);
  });

  it('of the simulator suppresses the address', async () => {
    const to = 'hard-bounce@example.com';
    await service.control('PUT', '/_control/settings', { receipts: { enabled: true } });
    await send({ to }, 'undelivered');
    await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
    expect(await entriesOf(service, to)).to.have.length(1);
  });

  it('suppresses the recipient that it names, also of a copy', async () => {
    const [to, cc, bcc] = [address(), address(), address()] as const;
    const message = await send({ to, cc: [cc], bcc: [bcc] });
    await bounce(idOf(message));
    for (const each of [to, cc, bcc]) expect(await entriesOf(service, each)).to.deep.equal([]);
    await bounce(idOf(message), { recipient: `Somebody <${bcc.toUpperCase()}>` });
    await bounce(idOf(message), { recipient: 'stranger@example.com' });
    expect(await entriesOf(service, bcc)).to.have.length(1);
    for (const each of [to, cc, 'stranger@example.com'])
      expect(await entriesOf(service, each)).to.deep.equal([]);
  });

  it('is not a soft bounce, and not a receipt that reports no failure', async () => {
    const to = address();
    const message = await send({ to });
    await bounce(idOf(message), { bounce: 'soft', status: 'undelivered' });
    await bounce(idOf(message), { status: 'deferred' });
    await bounce(idOf(message), { status: 'delivered' });
    expect(await entriesOf(service, to)).to.deep.equal([]);
  });

  it('counts after the email was delivered, and once for an email', async () => {
    const to = address();
    const message = await send({ to });
    await bounce(idOf(message), { status: 'delivered', bounce: undefined });
    await Promise.all(Array.from({ length: 10 }, () => bounce(idOf(message))));
    await bounce(idOf(message), { status: 'failed' });
    expect(await changesOf(service, to)).to.deep.equal(['added hard_bounce']);
  });

  it('does not come back after a removal, by a redelivery, another receipt or an earlier bounce', async () => {
    const to = address();
    const [first, second, third] = [await send({ to }), await send({ to }), await send({ to })] as const;
    const earlier = new Date(Date.now() - 60_000).toISOString();
    await bounce(idOf(first));
    await remove(to);
    await bounce(idOf(first));
    await bounce(idOf(first), { status: 'failed' });
    await bounce(idOf(second), { timestamp: earlier });
    expect(await entriesOf(service, to)).to.deep.equal([]);
    await bounce(idOf(third));
    expect(await changesOf(service, to)).to.deep.equal([
      ...['added hard_bounce', 'removed hard_bounce', 'added hard_bounce'],
    ]);
  });

  it('counts if its receipt came before the id of the message was known', async () => {
    const to = address();
    // The receipt is stored without a message, and adopted when the message has its id.
    await bounce('late-id');
    const { id } = await send({ to });
    await query(
      service.databaseUrl,
      `update deliveries set provider_message_id = null, status = 'sending', attempt_count = 2 where message_id = $1`,
      [id],
    );
    const settlement = {
      ...{ id, conversation_id: 0, number: 2, provider: 'mail-co', started_at: new Date(), duration_ms: 1 },
      ...{ outcome: 'accepted', http_status: 202, provider_message_id: 'late-id', status: 'sent' },
      ...{ next_provider: 'mail-co', retries: 0, may_have_been_sent: true, pause_ms: 0 },
    };
    await query(service.databaseUrl, `select ${storedFunction('settle_deliveries')}($1)`, [
      JSON.stringify([settlement]),
    ]);
    expect(await entriesOf(service, to)).to.have.length(1);
  });
});

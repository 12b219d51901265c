import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { startProviderServer } from '../support/provider-server.ts';
import { timelineOf } from '../support/timeline.ts';
import { until } from '../support/until.ts';

const PEOPLE = ['+12015550101', '+12015550102', '+12015550103', '+12015550104', '+12015550105'] as const;
const OFF = { code: '30003', detail: 'The handset is off' };
const OFF_ERROR = { ...OFF, class: 'provider_error', url: null };

describe('The recipients of a message', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      SMS_PROVIDERS: 'text-co,text-two',
      TEXT_TWO_URL: 'http://127.0.0.1:1',
      TEXT_TWO_KEY: 'provider-key',
    });
  });
  after(() => service.stop());
  beforeEach(async () => {
    await service.control('POST', '/_control/reset');
    await service.control('PUT', '/_control/settings', {
      service_url: service.url,
      provider_name: 'text-co',
      receipts: { enabled: false },
    });
  });

  const messageOf = async (id: number) =>
    (await service.request('GET', `/api/messages/${id}`)).body as Message;
  const sendGroup = async (to: readonly string[] = PEOPLE) => {
    const { status, body } = await service.request('POST', '/api/messages/sms', { ...sms, type: 'mms', to });
    expect(status).to.equal(202);
    return body as Message;
  };
  const sent = async (to?: readonly string[]) => service.untilStatus((await sendGroup(to)).id, 'sent');
  const report = async (
    message: Message | string,
    status: string,
    more: object = {},
    provider = 'text-co',
  ) => {
    const id = typeof message === 'string' ? message : message.provider_message_id;
    const body = { messaging_provider_id: id, status, ...more };
    const answer = await service.request('POST', `/api/webhooks/sms/status?provider=${provider}`, body);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    return answer.body;
  };
  const statusesOf = ({ recipients }: Message) => recipients?.map(({ status }) => status);
  const rowsOf = ({ id }: Message) =>
    query(service.databaseUrl, 'select from delivery_recipients where message_id = $1', [id]);

  it('have the status of the message until a receipt names one of them', async () => {
    const first = await sendGroup();
    expect(first.recipients).to.deep.equal(
      PEOPLE.map((address) => ({
        ...{ address, status: 'queued', error: null, provider_message_id: null },
        updated_at: first.updated_at,
      })),
    );
    const message = await service.untilStatus(first.id, 'sent');
    await report(message, 'delivered');
    const { recipients, provider_message_id, updated_at } = await messageOf(message.id);
    expect(recipients).to.deep.equal(
      PEOPLE.map((address) => ({
        address,
        status: 'delivered',
        error: null,
        provider_message_id,
        updated_at,
      })),
    );
    expect(await rowsOf(message)).to.have.length(0);
  });

  it('each have their own status and error, which the status of the message summarises', async () => {
    const message = await sent();
    await report(message, 'undelivered', { recipient: PEOPLE[2], error: OFF });
    expect(await messageOf(message.id)).to.deep.include({ status: 'sent', error: null });
    for (const recipient of [PEOPLE[0], PEOPLE[1], PEOPLE[3]])
      await report(message, 'delivered', { recipient });
    expect((await messageOf(message.id)).status).to.equal('sent');
    await report(message, 'delivered', { recipient: PEOPLE[4] });
    const after = await messageOf(message.id);
    expect(after).to.deep.include({ status: 'undelivered', error: OFF_ERROR });
    expect(statusesOf(after)).to.deep.equal([
      'delivered',
      'delivered',
      'undelivered',
      'delivered',
      'delivered',
    ]);
    expect(after.recipients?.map(({ error }) => error)).to.deep.equal([null, null, OFF_ERROR, null, null]);
    expect(await rowsOf(message)).to.have.length(5);
    const { body: list } = await service.request('GET', '/api/messages?status=undelivered');
    expect(list.data.find(({ id }: Message) => id === message.id)).to.deep.equal(after);
    const { receipts } = await timelineOf(service, message.id);
    expect(receipts.map(({ recipient }) => recipient)).to.deep.equal([
      PEOPLE[2],
      PEOPLE[0],
      PEOPLE[1],
      PEOPLE[3],
      PEOPLE[4],
    ]);
  });

  it('make the message delivered or failed only if all of them are', async () => {
    for (const status of ['delivered', 'failed']) {
      const message = await sent(PEOPLE.slice(0, 2));
      await report(message, status, { recipient: PEOPLE[0], error: OFF });
      expect((await messageOf(message.id)).status).to.equal('sent');
      await report(message, status, { recipient: PEOPLE[1] });
      expect(await messageOf(message.id)).to.deep.include({
        status,
        error: status === 'failed' ? OFF_ERROR : null,
      });
    }
    const mixed = await sent(PEOPLE.slice(0, 2));
    await report(mixed, 'failed', { recipient: PEOPLE[1], error: { code: '2' } });
    await report(mixed, 'undelivered', { recipient: PEOPLE[0], error: { code: '1' } });
    const { status, error } = await messageOf(mixed.id);
    expect([status, error?.code]).to.deep.equal(['undelivered', '1']);
  });

  it('that have no final status yet get the status of a receipt without a recipient', async () => {
    const message = await sent(PEOPLE.slice(0, 3));
    await report(message, 'failed', { recipient: PEOPLE[1] });
    await report(message, 'delivered');
    const after = await messageOf(message.id);
    expect(statusesOf(after)).to.deep.equal(['delivered', 'failed', 'delivered']);
    expect(after.status).to.equal('undelivered');
  });

  it('have the same statuses after 20 repeats of each receipt at once', async () => {
    const message = await sent();
    const all = PEOPLE.flatMap((recipient, index) =>
      ['sent', index === 3 ? 'undelivered' : 'delivered'].map((status) => ({ recipient, status })),
    );
    const repeats = Array.from({ length: 20 }, () => all.toReversed()).flat();
    await Promise.all(repeats.map(({ recipient, status }) => report(message, status, { recipient })));
    const after = await messageOf(message.id);
    expect(after.status).to.equal('undelivered');
    expect(statusesOf(after)).to.deep.equal([
      'delivered',
      'delivered',
      'delivered',
      'undelivered',
      'delivered',
    ]);
    expect((await timelineOf(service, message.id)).receipts).to.have.length(10);
  });

  it('do not change by a receipt with an unknown status, or about an address that is none of them', async () => {
    const message = await sent();
    const strangers = [{ recipient: '+12015550199' }, { recipient: 'nobody' }, { recipient: sms.from }];
    for (const { recipient } of strangers) await report(message, 'failed', { recipient, error: OFF });
    for (const status of ['deferred', 'scheduled', 'opened'])
      await report(message, status, { recipient: PEOPLE[0] });
    const after = await messageOf(message.id);
    expect(after).to.deep.include({ status: 'sent', error: null });
    expect(statusesOf(after)).to.deep.equal(PEOPLE.map(() => 'sent'));
    const { receipts } = await timelineOf(service, message.id);
    expect(receipts.map(({ recipient }) => recipient)).to.deep.equal([
      ...['+12015550199', 'nobody', sms.from],
      ...[PEOPLE[0], PEOPLE[0], PEOPLE[0]],
    ]);
  });

  it('do not change by a receipt whose recipient, status or provider id is not readable', async () => {
    const message = await sent();
    const { provider_message_id: id } = message;
    const unreadable = [
      true,
      false,
      [],
      {},
      [null],
      [[PEOPLE[0]]],
      [...PEOPLE],
      { address: [] },
      { phone: PEOPLE[0] },
    ];
    for (const recipient of unreadable)
      for (const status of ['delivered', 'failed']) await report(message, status, { recipient });
    for (const status of [['delivered'], { value: 'failed' }, true]) await report(message, status as never);
    for (const messaging_provider_id of [[id], { id }, true, null]) {
      const receipt = { messaging_provider_id, status: 'failed' };
      expect((await service.request('POST', '/api/webhooks/sms/status', receipt)).status).to.equal(422);
    }
    expect(await messageOf(message.id)).to.deep.equal(message);
    const { receipts } = await timelineOf(service, message.id);
    expect(receipts.filter(({ status }) => status === 'failed')).to.have.length(unreadable.length);
  });

  it('may be named in an object with a text `address`, or in a list of one', async () => {
    const message = await sent();
    await report(message, 'delivered', { recipient: [PEOPLE[0]] });
    await report(message, 'failed', { recipient: { address: PEOPLE[1] } });
    await report(message, 'undelivered', { recipient: [{ address: '(201) 555-0103' }] });
    const [first, second, third, ...others] = statusesOf(await messageOf(message.id)) ?? [];
    expect([first, second, third]).to.deep.equal(['delivered', 'failed', 'undelivered']);
    expect(new Set(others)).to.deep.equal(new Set(['sent']));
    for (const recipient of [null, '', ' ']) await report(message, 'delivered', { recipient });
    expect(statusesOf(await messageOf(message.id))?.slice(3)).to.deep.equal(['delivered', 'delivered']);
  });

  it('keep their statuses when another account reports on a message with the same id', async () => {
    const message = await sent();
    const receipt = await report(message, 'failed', { recipient: PEOPLE[0] }, 'text-two');
    expect(receipt).to.deep.include({ provider: 'text-two', message_id: null });
    expect(statusesOf(await messageOf(message.id))).to.deep.equal(PEOPLE.map(() => 'sent'));
    await report(message, 'delivered', { recipient: PEOPLE[0] });
    expect(statusesOf(await messageOf(message.id))?.[0]).to.equal('delivered');
  });

  it('get the statuses of receipts that came before the response to the send', async () => {
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'latency', ms: 500 }]);
    const { id } = await sendGroup();
    const accepted = await until(
      async () => (await service.accepted()).find(({ request }) => Array.isArray(request.to)),
      'the provider accepts the message',
    );
    await report(accepted.id, 'delivered', { recipient: PEOPLE[0] });
    await report(accepted.id, 'undelivered', { recipient: PEOPLE[1], error: OFF });
    expect((await messageOf(id)).status).to.be.oneOf(['sending', 'sent']);
    const message = await service.untilStatus(id, 'sent');
    expect(statusesOf(message)).to.deep.equal(['delivered', 'undelivered', 'sent', 'sent', 'sent']);
    await report(accepted.id, 'delivered');
    expect(statusesOf(await service.untilStatus(id, 'undelivered'))).to.deep.equal([
      ...['delivered', 'undelivered', 'delivered', 'delivered', 'delivered'],
    ]);
  });

  for (const recipients of ['address', 'id'])
    for (const [when, receipts] of [
      ['after the response, repeatedly and in the reverse order', { repeats: 2, disorder: true }],
      ['before the response', { early_rate: 1 }],
    ] as const)
      it(`get statuses from receipts by ${recipients} that a provider sends ${when}`, async () => {
        await service.control('PUT', '/_control/settings', {
          receipts: { enabled: true, delay_ms: 1, recipients, ...receipts },
        });
        const lost = '+12010000008';
        const to = [...PEOPLE.slice(0, 4), lost];
        const { id } = await sendGroup(to);
        const { error, ...message } = await service.untilStatus(id, 'undelivered');
        expect(error?.code).to.equal('30003');
        expect(message.recipients?.map(({ address, status }) => [address, status])).to.deep.equal(
          to.map((address) => [address, address === lost ? 'undelivered' : 'delivered']),
        );
        const ids = message.recipients?.map(({ provider_message_id }) => provider_message_id);
        expect(ids).to.deep.equal(
          to.map(
            (_address, index) =>
              `${message.provider_message_id}${recipients === 'id' ? `-${index + 1}` : ''}`,
          ),
        );
        expect(
          new Set((await timelineOf(service, id)).receipts.map((receipt) => receipt.message_id)),
        ).to.deep.equal(new Set([id]));
      });

  it('have their ids if the provider spells their addresses in another way', async () => {
    const provider = await startProviderServer((_request, response) => {
      const recipients = [
        { address: '(201) 555-0101', id: 'group-1' },
        { address: 'tel:+1-201-555-0102', id: 'group-2' },
        { address: 'nobody', id: 'group-3' },
      ];
      response.writeHead(202, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: 'group', recipients }));
    });
    const other = await startHarness({ TEXT_CO_URL: provider.url });
    try {
      const { body } = await other.request('POST', '/api/messages/sms', {
        ...{ ...sms, type: 'mms', to: PEOPLE.slice(0, 2) },
      });
      const { recipients } = await other.untilStatus(body.id, 'sent');
      expect(recipients?.map((one) => one.provider_message_id)).to.deep.equal(['group-1', 'group-2']);
    } finally {
      await other.stop();
      await provider.stop();
    }
  });

  it('have their ids after a lost response too, by a repeat of the request', async () => {
    await service.control('PUT', '/_control/settings', { receipts: { recipients: 'id' } });
    await service.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'lost_response', times: 1 }]);
    const { recipients, ...message } = await sent(PEOPLE.slice(0, 2));
    await report(`${message.provider_message_id}-2`, 'failed');
    expect(recipients?.[1]?.provider_message_id).to.equal(`${message.provider_message_id}-2`);
    expect(statusesOf(await messageOf(message.id))).to.deep.equal(['sent', 'failed']);
    await report(message as Message, 'delivered');
    expect(statusesOf(await messageOf(message.id))).to.deep.equal(['delivered', 'failed']);
  });

  it('start again with a manual retry, and late receipts of the first send change nothing', async () => {
    const message = await sent(PEOPLE.slice(0, 2));
    for (const recipient of PEOPLE.slice(0, 2)) await report(message, 'failed', { recipient });
    await service.request('POST', `/api/messages/${message.id}/retry`);
    const again = await service.untilStatus(message.id, 'sent');
    expect(again.provider_message_id).not.to.equal(message.provider_message_id);
    expect(statusesOf(again)).to.deep.equal(['sent', 'sent']);
    await report(message, 'undelivered', { recipient: PEOPLE[0] });
    await report(again, 'delivered');
    expect(statusesOf(await messageOf(message.id))).to.deep.equal(['delivered', 'delivered']);
  });

  it('of an email are those of `to`, `cc` and `bcc`, and one can bounce after the email was delivered', async () => {
    const { body } = await service.request('POST', '/api/messages/email', {
      ...email,
      ...{ to: ['ada@example.com'], cc: ['Grace <Grace@Example.com>'], bcc: ['joan@example.com'] },
    });
    const { id, provider_message_id } = await service.untilStatus(body.id, 'sent');
    const bounce = (status: string, more: object) =>
      service.request('POST', '/api/webhooks/email/status', {
        xillio_id: provider_message_id,
        status,
        ...more,
      });
    await bounce('delivered', {});
    expect((await messageOf(id)).status).to.equal('delivered');
    const answer = await bounce('bounced', { recipient: '<GRACE@example.com>', bounce: 'hard', error: OFF });
    expect(answer.body).to.deep.include({ recipient: 'grace@example.com', bounce: 'hard', message_id: id });
    const after = await messageOf(id);
    expect(after).to.deep.include({ status: 'undelivered', error: OFF_ERROR });
    expect(after.recipients?.map(({ address, status }) => [address, status])).to.deep.equal([
      ['ada@example.com', 'delivered'],
      ['grace@example.com', 'undelivered'],
      ['joan@example.com', 'delivered'],
    ]);
  });

  it('are not listed if there is only one, whose receipts may name the address in any written form', async () => {
    const { body } = await service.request('POST', '/api/messages/sms', { ...sms, to: PEOPLE[0] });
    const message = await service.untilStatus(body.id, 'sent');
    await report(message, 'failed', { recipient: PEOPLE[1] });
    expect((await messageOf(message.id)).status).to.equal('sent');
    const { recipient } = await report(message, 'read', { recipient: '(201) 555-0101' });
    expect(recipient).to.equal(PEOPLE[0]);
    const after = await messageOf(message.id);
    expect(after.status).to.equal('delivered');
    expect(after).not.to.have.property('recipients');
    expect(await rowsOf(message)).to.have.length(0);
  });
});

import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/server.ts';
import { mms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { freePort } from '../../support/process.ts';
import {
  API_KEY,
  eventBody,
  inboundPayload,
  SEED,
  sendEvent,
  telnyxEnvironment,
} from '../../support/telnyx.ts';
import { until } from '../../support/until.ts';

const FROM = '+12016661234';
const OTHER_OWN = '+12016665678';
const MEMBERS = ['+18045551231', '+18045551232', '+18045551233', '+18045551234'];
const UNREACHABLE = '+18040040008';

describe('A group at Telnyx', () => {
  let simulator: Simulator;
  let service: Harness;
  before(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    simulator = await startSimulator({
      ...{ apiKey: API_KEY, telnyx: { seed: SEED } },
      settings: { service_url: url, receipts: { delay_ms: 5 } },
    });
    service = await startHarness({
      ...{ PORT: String(port), PUBLIC_URL: url },
      ...telnyxEnvironment(`${simulator.url}/telnyx`),
    });
  });
  after(async () => {
    await service?.stop();
    await simulator?.stop();
  });
  beforeEach(() => control('POST', 'reset'));

  async function control<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${simulator.url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status, await response.clone().text()).to.equal(200);
    return (await response.json()) as T;
  }
  const send = async (to: string[], more: object = {}): Promise<Message> => {
    const { status, body } = await service.request('POST', '/api/messages/sms', {
      ...mms,
      from: FROM,
      to,
      ...more,
    });
    expect(status, JSON.stringify(body)).to.equal(202);
    return body;
  };
  const calls = async () => {
    const { data } = await control<{ data: { path: string }[] }>('GET', 'calls');
    return data.map(({ path }) => path);
  };
  const messagesOf = async (conversation: number): Promise<Message[]> =>
    (await service.request('GET', `/api/conversations/${conversation}/messages`)).body.data;
  const inbound = async (payload: object) => {
    const { status } = await sendEvent(service.url, eventBody('message.received', inboundPayload(payload)));
    expect(status).to.equal(200);
  };

  it('of five is sent by one call, one recipient is undelivered, and a reply is in the same conversation', async () => {
    const to = [...MEMBERS, UNREACHABLE];
    const { id, conversation_id } = await send(to);
    const message = await service.untilStatus(id, 'undelivered');
    expect(await calls()).to.deep.equal(['/telnyx/v2/messages/group_mms']);
    const statuses = message.recipients?.map(({ address, status, error }) => [address, status, error?.code]);
    expect(statuses).to.deep.equal([
      ...MEMBERS.map((address) => [address, 'delivered', undefined]),
      [UNREACHABLE, 'undelivered', '40008'],
    ]);
    expect(message.error).to.include({ code: '40008', class: 'unreachable' });
    const ids = message.recipients?.map(({ provider_message_id }) => provider_message_id) ?? [];
    expect(new Set([...ids, message.provider_message_id])).to.have.property('size', 6);

    const [from, ...others] = to;
    await control('POST', 'inbound', {
      ...{ channel: 'sms', dialect: 'telnyx', from, to: FROM, cc: others, text: 'A reply to all' },
    });
    const messages = await messagesOf(conversation_id);
    expect(messages.map(({ direction, from: sender, body }) => [direction, sender, body])).to.deep.equal([
      ['outbound', FROM, mms.body],
      ['inbound', from, 'A reply to all'],
    ]);
    expect(messages[1]?.to).to.have.members([FROM, ...others]);
  });

  it('gets its statuses by the webhooks of the messaging profile too, without a callback URL', async () => {
    await control('PUT', 'settings', { receipts: { enabled: false } });
    const { id } = await send([...MEMBERS.slice(0, 2)], { body: 'Without an echo' });
    const { provider_message_id } = await service.untilStatus(id, 'sent');
    const [first = '', second = ''] = MEMBERS;
    for (const [recipient, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const to = [
        { phone_number: recipient, status: 'delivered' },
        { phone_number: other, status: 'unknown' },
      ];
      const payload = {
        id: crypto.randomUUID(),
        direction: 'outbound',
        group_message_id: provider_message_id,
        to,
      };
      expect((await sendEvent(service.url, eventBody('message.finalized', payload))).status).to.equal(200);
    }
    await service.untilStatus(id, 'delivered');
  });

  it('of more than eight is refused, with the limit', async () => {
    const to = Array.from({ length: 9 }, (_, n) => `+1804555124${n}`);
    const { status, body } = await service.request('POST', '/api/messages/sms', { ...mms, from: FROM, to });
    expect([status, body.code]).to.deep.equal([422, 'missing_capability']);
    expect(body.detail).to.include('sends to at most 8 recipients');
  });

  it('is rejected whole if a recipient has a block rule, and suppresses nobody', async () => {
    const { id } = await send([MEMBERS[0] as string, '+18040040300'], { body: 'Blocked' });
    const { error } = await service.untilStatus(id, 'failed');
    expect(error).to.include({ code: '40300', class: 'opted_out' });
    const { body } = await service.request('GET', '/api/messages?direction=outbound&limit=1');
    expect(body.data[0].id).to.equal(id);
    expect(await query(service.databaseUrl, 'select * from suppressions')).to.deep.equal([]);
  });

  describe('with two of our numbers', () => {
    const text = (n: number) => `Copies ${n}`;
    const copy = (own: string, body: string, more: object = {}) =>
      inbound({
        ...{ from: { phone_number: MEMBERS[0] }, to: [{ phone_number: own }], text: body },
        cc: [own === FROM ? OTHER_OWN : FROM, MEMBERS[1]].map((phone_number) => ({ phone_number })),
        ...more,
      });
    const stored = async (body: string): Promise<Message[]> => {
      const { body: list } = await service.request('GET', '/api/messages?direction=inbound&limit=100');
      return list.data.filter((message: Message) => message.body === body);
    };

    it('gets one message for the copies that Telnyx sends to each number', async () => {
      await control('POST', 'inbound', {
        ...{ channel: 'sms', dialect: 'telnyx', from: MEMBERS[0], text: text(1) },
        ...{ to: [FROM, OTHER_OWN], cc: [MEMBERS[1]], media: ['https://media.telnyx.com/x.png'] },
      });
      const [message, ...others] = await stored(text(1));
      expect(others).to.deep.equal([]);
      expect(message?.to).to.have.members([FROM, OTHER_OWN, MEMBERS[1]]);
    });

    it('gets one message for copies that arrive at once, each several times', async () => {
      const ids = [crypto.randomUUID(), crypto.randomUUID()];
      const copies = Array.from({ length: 10 }, (_, n) =>
        copy(n % 2 === 0 ? FROM : OTHER_OWN, text(2), { id: ids[n % 2] }),
      );
      await Promise.all(copies);
      expect(await stored(text(2))).to.have.lengthOf(1);
    });

    it('gets each of several equal messages, in every order of their copies', async () => {
      const orders = [
        [FROM, OTHER_OWN, FROM, OTHER_OWN],
        [FROM, FROM, OTHER_OWN, OTHER_OWN],
        [FROM, OTHER_OWN, OTHER_OWN, FROM],
      ];
      for (const [index, order] of orders.entries()) {
        for (const own of order) await copy(own, text(3 + index));
        expect(await stored(text(3 + index)), order.join()).to.have.lengthOf(2);
      }
    });

    it('gets every message to one number, also if the copies of the other number are lost', async () => {
      for (let count = 0; count < 3; count++) await copy(FROM, text(7));
      expect(await stored(text(7))).to.have.lengthOf(3);
    });

    it('gets an equal message ten minutes later as another message', async () => {
      const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
      await copy(FROM, text(8), { received_at: at(11) });
      await copy(OTHER_OWN, text(8), { received_at: at(0) });
      expect(await stored(text(8))).to.have.lengthOf(2);
    });

    it('suppresses once for the copies of a STOP, also if a copy arrives after a START', async () => {
      const say = (own: string, body: string, autoresponse_type: string) =>
        copy(own, body, { autoresponse_type });
      await say(FROM, 'Stop', 'STOP');
      expect(await query(service.databaseUrl, 'select * from suppressions')).to.have.lengthOf(1);
      await say(FROM, 'Start', 'START');
      await say(OTHER_OWN, 'Stop', 'STOP');
      expect(await query(service.databaseUrl, 'select * from suppressions')).to.deep.equal([]);
    });

    it('keeps the copies for 30 days', async () => {
      await query(service.databaseUrl, "update inbound_copies set created_at = now() - interval '31 days'");
      await copy(FROM, text(9));
      await until(async () => {
        await copy(FROM, text(9));
        const old = await query(
          service.databaseUrl,
          "select 1 from inbound_copies where created_at < now() - interval '30 days'",
        );
        return old.length === 0;
      }, 'the old copies are deleted');
    });
  });
});

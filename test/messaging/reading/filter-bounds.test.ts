import { mock } from 'node:test';
import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

const MESSAGES = 2_500;
const MINUTE_MS = 60_000;

describe('A list of messages with a filter that few messages match', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    await service.request('POST', '/api/messages/sms', sms);
    await query(
      service.databaseUrl,
      `insert into messages (conversation_id, sender_id, direction, type, "from", "to", body, attachments, metadata, "timestamp", created_at)
       select 1, 1, case when n % 1000 = 7 then 'outbound' else 'inbound' end, case when n in (3, 4) then 'mms' else 'sms' end,
         'a', '{b}', 'hello', '{}', '{}', now(), now() - interval '30 days' + n * interval '1 second'
       from generate_series(1, ${MESSAGES}) as n`,
    );
    await query(
      service.databaseUrl,
      `insert into deliveries (message_id, conversation_id, channel, status, delivery_key, expires_at, created_at)
       select id, 1, 'sms', 'sent', gen_random_uuid(), now(), created_at from messages
       where direction = 'outbound' and created_at < now() - interval '1 day'`,
    );
  });
  after(() => service.stop());
  afterEach(() => mock.restoreAll());

  const page = async (filter: string, cursor: string | null) => {
    const after = cursor === null ? '' : `&cursor=${cursor}`;
    const { status, body } = await service.request('GET', `/api/messages?${filter}${after}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    return { ids: body.data.map(({ id }: Message) => id), next: body.next_cursor as string | null };
  };
  const matching = async (condition: string) =>
    (
      await query<{ id: number }>(
        service.databaseUrl,
        `select id from messages where ${condition} order by created_at desc, id desc`,
      )
    ).map(({ id }) => id);

  it('ends its page early after the time limit, and the next pages find the other messages', async () => {
    let now = performance.now();
    mock.method(performance, 'now', () => {
      now += MINUTE_MS;
      return now;
    });
    let { ids, next } = await page('type=mms', null);
    expect(ids).to.deep.equal([]);
    expect(next).to.be.a('string');
    mock.restoreAll();
    const found = [];
    while (next !== null) {
      ({ ids, next } = await page('type=mms', next));
      found.push(...ids);
    }
    expect(found).to.deep.equal(await matching(`type = 'mms'`));
  });

  for (const [filter, condition] of [
    ['type=mms', `type = 'mms'`],
    ['type=email', 'false'],
    ['direction=outbound', `direction = 'outbound'`],
    ['direction=outbound&type=mms', 'false'],
    ['status=sent', `id in (select message_id from deliveries where status = 'sent')`],
    ['status=received&conversation_id=1', `direction = 'inbound'`],
    ['direction=outbound&status=queued', `id in (select message_id from deliveries where status = 'queued')`],
  ] as const)
    it(`contains every matching message once with the filter ${filter}`, async () => {
      for (const limit of [1, 200]) {
        const found: number[] = [];
        for (let next: string | null = null, pages = 0; pages === 0 || next !== null; pages++) {
          const one: { ids: number[]; next: string | null } = await page(`${filter}&limit=${limit}`, next);
          found.push(...one.ids);
          next = one.next;
          if (limit === 1 && pages === 4) break;
        }
        const expected = await matching(condition);
        expect(found).to.deep.equal(limit === 1 ? expected.slice(0, found.length) : expected);
        expect(found.length).to.be.least(Math.min(expected.length, limit === 1 ? 5 : MESSAGES));
      }
    });
});

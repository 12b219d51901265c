import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { createMigratedDatabase } from '../support/database.ts';

/** The functions of the previous version; each release replaces these files by its `src/db/functions`. */
const PREVIOUS = join(import.meta.dirname, 'previous-functions');
const FROM = '+12016661234';
const TO = '+18045551234';
const ROUTE = {
  ...{ n: 1, channel: 'sms', assigned_to: '', reassignable: true, provider: 'text-co', free_slots: 10 },
  ...{ retries: 10, first: 'new', newest_first: false, per_second: 100, per_second_per_sender: 100 },
};

/** A process of the previous version can run while a newer version has already changed the tables. */
describe('The functions of the previous version', () => {
  let client: pg.Client;
  before(async () => {
    client = new pg.Client({ connectionString: await createMigratedDatabase() });
    await client.connect();
    await client.query('create schema previous; set search_path = previous, public, pg_temp');
    const files = await readdir(PREVIOUS, { recursive: true });
    const sources = files
      .filter((file) => file.endsWith('.sql'))
      .map((file) => readFile(join(PREVIOUS, file), 'utf8'));
    await client.query(`set check_function_bodies = off; ${(await Promise.all(sources)).join('\n')}`);
  });
  after(() => client.end());

  const call = async (name: string, ...values: unknown[]) => {
    const given = values.map((value) => (isJson(value) ? JSON.stringify(value.json) : value));
    const parameters = values.map((_value, index) => `$${index + 1}`).join();
    return (await client.query(`select * from previous.${name}(${parameters})`, given)).rows;
  };
  const record = async (rows: object[]): Promise<{ ids: number[]; created: boolean[] }> => {
    const none = rows.map(() => null);
    const unknown = rows.map((_row, index) => ({
      ...{ n: index + 1, channel: 'sms', sender: FROM },
      ...{ participants: [FROM, TO], address_types: ['phone', 'phone'] },
    }));
    const input = rows.map((row, index) => ({ n: index + 1, ...row }));
    const [result] = await call('record_messages', none, none, none, { json: unknown }, { json: input });
    return result.record_messages;
  };
  const claim = () => call('claim_deliveries', { json: [ROUTE] }, 10, 10, 60_000);
  const settle = ({ id, conversation_id, attempt_count }: Record<string, unknown>, settlement: object) =>
    call('settle_deliveries', {
      json: [
        {
          ...{ id, conversation_id, number: attempt_count, provider: 'text-co', next_provider: 'text-co' },
          ...{ started_at: new Date(), duration_ms: 5, pause_ms: 0, retries: 0, may_have_been_sent: false },
          ...settlement,
        },
      ],
    });
  const receive = (receipt: object) =>
    call('store_receipts', {
      json: [
        { provider: 'text-co', occurred_at: new Date(), payload: {}, error: null, echo: null, ...receipt },
      ],
    });
  const statusOf = async (id: unknown) =>
    (await client.query('select status from deliveries where message_id = $1', [id])).rows[0]?.status;

  it('record, claim and settle messages, and apply their receipts, on the present tables', async () => {
    const first = outbound({ api_key_name: '', idempotency_key: 'a', request_hash: 'h' });
    const { ids, created } = await record([first, outbound(), inbound]);
    expect(created).to.deep.equal([true, true, true]);
    expect((await record([first, inbound])).created).to.deep.equal([false, false]);

    const [refused] = await claim();
    expect(Number(refused.id)).to.equal(ids[0]);
    const error = { code: 'no', detail: 'No', class: 'provider_error' };
    await settle(refused, { status: 'failed', outcome: 'rejected', http_status: 422, ...error, error });
    expect(await statusOf(ids[0])).to.equal('failed');

    const [sent] = await claim();
    expect(Number(sent.id)).to.equal(ids[1]);
    await receive({ provider_message_id: 'sms_2', status: 'sent' });
    await settle(sent, {
      status: 'sent',
      outcome: 'accepted',
      http_status: 202,
      provider_message_id: 'sms_2',
    });
    expect(await statusOf(ids[1])).to.equal('sent');
    for (const status of ['delivered', 'delivered', 'teleported'])
      await receive({ provider_message_id: 'sms_2', status });
    expect(await statusOf(ids[1])).to.equal('delivered');
    const { rows } = await client.query('select status, message_id from delivery_receipts order by id');
    expect(rows.map(({ status }) => status)).to.deep.equal(['sent', 'delivered', 'teleported']);
    for (const { message_id } of rows) expect(Number(message_id)).to.equal(ids[1]);
  });

  it('take over a lost attempt, and find the message of an early receipt by its echo', async () => {
    const message = outbound();
    const { ids } = await record([message]);
    await claim();
    await client.query(
      `update deliveries set next_attempt_at = now() - interval '1 second' where message_id = $1`,
      ids,
    );
    const [lost] = await call(
      'claim_deliveries',
      { json: [{ ...ROUTE, assigned_to: 'text-co', reassignable: false }] },
      10,
      10,
      60_000,
    );
    expect(lost).to.include({ attempt_count: 2, may_have_been_sent: true });
    await receive({
      ...{ provider_message_id: 'sms_3', status: 'delivered' },
      echo: { messageId: ids[0], deliveryKey: message.delivery_key },
    });
    expect(await statusOf(ids[0])).to.equal('delivered');
  });
});

const at = new Date().toISOString();
const sms = { type: 'sms', body: 'Hello', attachments: [], metadata: {}, timestamp: at };
const inbound = {
  ...{ ...sms, direction: 'inbound', from: FROM, to: [TO], cc: [], bcc: [] },
  ...{ provider: 'text-co', provider_message_id: 'in_1', payload: {} },
};

function outbound(key: object = {}) {
  return {
    ...{ ...sms, direction: 'outbound', from: FROM, to: [TO], cc: [], bcc: [], segments: 1 },
    ...{ delivery_key: randomUUID(), expires_at: '2999-01-01T00:00:00Z', ...key },
  };
}

/** An argument of the type json, which `pg` would otherwise convert to an array of SQL. */
function isJson(value: unknown): value is { json: unknown } {
  return typeof value === 'object' && value !== null && 'json' in value;
}

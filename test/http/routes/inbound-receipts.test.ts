import { expect } from 'chai';
import fc from 'fast-check';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

describe('A receipt from a provider', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness();
  });
  after(() => service.stop());

  let count = 0;
  const receive = async (fields: object, path = 'sms', id = 'messaging_provider_id') => {
    const event = { [id]: `receipt-${++count}`, status: 'failed', ...fields };
    const { status, body } = await service.request('POST', `/api/webhooks/${path}/status`, event);
    expect(status, `${JSON.stringify(event)}: ${JSON.stringify(body)}`).to.equal(200);
    return body;
  };
  const payloads = (id: string) =>
    query(service.databaseUrl, 'select payload from delivery_receipts where provider_message_id = $1', [id]);

  it('has the valid parts of its error, also if other parts have the wrong type', async () => {
    const unknown = { code: 'unknown', detail: null };
    const cases: [error: unknown, expected: object | null][] = [
      [undefined, null],
      [null, null],
      [[], null],
      [false, null],
      ['Switched off', { code: 'unknown', detail: 'Switched off' }],
      [5, { code: '5', detail: null }],
      [true, unknown],
      [{}, unknown],
      [[[]], unknown],
      [[{ code: 1 }], { code: '1', detail: null }],
      [[{ code: 'a' }, { code: 'b' }], { code: 'a', detail: null }],
      [{ code: true }, unknown],
      [
        { code: 30_003, detail: 5 },
        { code: '30003', detail: '5' },
      ],
      [{ code: {}, detail: [] }, unknown],
    ];
    for (const [error, expected] of cases) {
      const receipt = await receive({ error });
      expect(receipt.error, JSON.stringify(error)).to.deep.equal(
        expected && { ...expected, class: 'provider_error', url: null },
      );
      const [row] = await payloads(receipt.provider_message_id);
      if (error !== undefined) expect(row?.payload).to.deep.include({ error });
    }
  });

  it('has its status in lower case, or the status `unknown` if the status is empty or has another type', async () => {
    const cases: [status: unknown, expected: string][] = [
      [' DELIVERED ', 'delivered'],
      [7, '7'],
      ['', 'unknown'],
      [null, 'unknown'],
      [undefined, 'unknown'],
      [true, 'unknown'],
      [{}, 'unknown'],
      [['delivered'], 'unknown'],
    ];
    for (const [status, expected] of cases)
      expect((await receive({ status })).status, JSON.stringify(status)).to.equal(expected);
  });

  it('may have a time in seconds or milliseconds since 1970, and has the time of its arrival if its time is invalid', async () => {
    const before = new Date().toISOString();
    for (const timestamp of [1_730_469_600, 1_730_469_600_000])
      expect((await receive({ timestamp })).occurred_at).to.equal('2024-11-01T14:00:00.000Z');
    for (const timestamp of [5, {}, [], true, 'never'])
      expect((await receive({ timestamp })).occurred_at >= before, String(timestamp)).to.equal(true);
  });

  it('with a numeric id is a repeat of the receipt with the same digits as text', async () => {
    for (const messaging_provider_id of [77, '77'])
      expect((await receive({ messaging_provider_id })).provider_message_id).to.equal('77');
    expect(await payloads('77')).to.have.length(1);
  });

  it('is stored with a value of any type in any field except its id', async () => {
    const value = fc.jsonValue();
    const event = fc.record({ status: value, error: value, timestamp: value }, { requiredKeys: [] });
    const property = fc.asyncProperty(event, async (fields) => {
      await receive(fields);
      await receive(fields, 'email', 'xillio_id');
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

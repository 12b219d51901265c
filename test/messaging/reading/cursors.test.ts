import { expect } from 'chai';
import { email, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';

/** Every list with its filters. */
const LISTS: [path: string, filters: string[]][] = [
  [
    '/api/messages',
    ['direction=outbound', 'type=sms', 'q=hello', 'conversation_id=1', 'since=2024-01-01T00:00:00Z'],
  ],
  ['/api/conversations', ['type=sms', 'sort=id', 'participant=%2B12016661234']],
  ['/api/conversations/1/messages', ['order=desc', 'after_id=1']],
  ['/api/conversations/2/messages', []],
  ['/api/participants', []],
  ['/api/messages/1/attempts', []],
  ['/api/messages/1/timeline', []],
  ['/api/messages/2/timeline', []],
];

describe('A cursor', () => {
  let service: Harness;
  /** A cursor of each list, by path and filter. */
  const cursors = new Map<string, string>();
  const get = (url: string, more: string) =>
    service.request('GET', `${url}${url.includes('?') ? '&' : '?'}limit=1${more}`);

  const encode = (values: unknown) => Buffer.from(JSON.stringify(values)).toString('base64url');
  const decode = (cursor = '') => JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];

  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    for (let n = 0; n < 3; n++) {
      await service.request('POST', '/api/messages/sms', sms);
      await service.request('POST', '/api/messages/sms', { ...sms, to: '+18045550001' });
      await service.request('POST', '/api/messages/email', email);
    }
    await query(
      service.databaseUrl,
      `insert into delivery_attempts (message_id, number, provider, started_at, outcome)
       select id, n, 'text-co', now(), 'unavailable' from (values (1), (2)) as message(id), generate_series(1, 3) as n`,
    );
    for (const [path, filters] of LISTS)
      for (const filter of ['', ...filters]) {
        const url = filter ? `${path}?${filter}` : path;
        const { status, body } = await get(url, '');
        expect(status, JSON.stringify(body)).to.equal(200);
        expect(body.next_cursor, url).to.be.a('string');
        cursors.set(url, body.next_cursor);
      }
  });
  after(() => service.stop());

  it('is accepted by its own list with its own filters only', async () => {
    for (const url of cursors.keys())
      for (const [from, cursor] of cursors) {
        const { status, body } = await get(url, `&cursor=${cursor}`);
        expect(status, `${url} with a cursor of ${from}`).to.equal(url === from ? 200 : 422);
        if (url !== from) expect(body.errors[0].path).to.equal('/query/cursor');
      }
  });

  it('is accepted with another limit', async () => {
    const cursor = cursors.get('/api/messages');
    expect((await service.request('GET', `/api/messages?limit=5&cursor=${cursor}`)).status).to.equal(200);
  });

  it('that was changed or created by hand is refused', async () => {
    const [digest, ...values] = decode(cursors.get('/api/messages'));
    for (const cursor of [
      'x',
      encode([]),
      encode(values),
      encode([digest]),
      encode([digest, ...values, 1]),
      encode([digest, values[0], -1]),
      encode([digest, 'yesterday', values[1]]),
      encode({ 0: digest }),
      encode(null),
    ]) {
      const { status, body } = await service.request('GET', `/api/messages?cursor=${cursor}`);
      expect([status, body.errors?.[0]?.path], cursor).to.deep.equal([422, '/query/cursor']);
    }
  });

  it('never causes a server error, whatever a client has written into it', async () => {
    const numbers = [-1, 1.5, 5, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300];
    const times = ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00.000Z'];
    for (const [url, cursor] of cursors) {
      const values = decode(cursor);
      for (const index of values.keys())
        for (const value of [...numbers, ...times, '', null, true, [1], {}]) {
          const text = encode(values.with(index, value));
          const { status } = await get(url, `&cursor=${text}`);
          expect(status, `${url} with ${JSON.stringify(values.with(index, value))}`).to.be.oneOf([200, 422]);
        }
    }
  });

  it('is refused if a number is out of the range of its list', async () => {
    for (const [url, index, value] of [
      ['/api/messages/1/attempts', 1, 2 ** 31],
      ['/api/messages/1/timeline', 2, 5],
      ['/api/messages/1/timeline', 2, 2 ** 31],
    ] as const) {
      const { status } = await get(url, `&cursor=${encode(decode(cursors.get(url)).with(index, value))}`);
      expect(status, `${url} with ${value}`).to.equal(422);
    }
  });
});

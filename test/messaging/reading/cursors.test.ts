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
    const made = (values: unknown) => Buffer.from(JSON.stringify(values)).toString('base64url');
    const [digest, ...values] = JSON.parse(
      Buffer.from(cursors.get('/api/messages') as string, 'base64url').toString(),
    );
    for (const cursor of [
      'x',
      made([]),
      made(values),
      made([digest]),
      made([digest, ...values, 1]),
      made([digest, values[0], -1]),
      made([digest, 'yesterday', values[1]]),
      made({ 0: digest }),
      made(null),
    ]) {
      const { status, body } = await service.request('GET', `/api/messages?cursor=${cursor}`);
      expect([status, body.errors?.[0]?.path], cursor).to.deep.equal([422, '/query/cursor']);
    }
  });
});

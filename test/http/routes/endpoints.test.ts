import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import pg from 'pg';
import { storedFunction } from '../../../src/db/functions.ts';
import type { Schema } from '../../../src/openapi/types.ts';
import { query } from '../../support/database.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../../support/provider-server.ts';
import { until } from '../../support/until.ts';

type Endpoint = Schema<'Endpoint'>;
type EndpointWithSecret = Schema<'EndpointWithSecret'>;

const PATH = '/api/endpoints';
const URL_ = 'https://receiver.invalid/events';

describe('The endpoints', function () {
  this.timeout(60_000);
  let service: Harness;
  let receiver: ProviderServer;
  let received: { headers: IncomingHttpHeaders; body: string }[];
  let status = 204;

  before(async () => {
    receiver = await startProviderServer(async (incoming, response) => {
      const chunks = (await incoming.toArray()) as Buffer[];
      received.push({ headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status).end(status === 204 ? undefined : 'A reason.');
    });
    service = await startHarness({ ALLOWED_PRIVATE_HOSTS: '127.0.0.1,internal.test' });
  });
  beforeEach(() => {
    received = [];
    status = 204;
  });
  after(async () => {
    await service?.stop();
    await receiver?.stop();
  });

  const sql = <Row extends object = Record<string, never>>(text: string, values: unknown[] = []) =>
    query<Row>(service.databaseUrl, text, values);
  const call = (method: string, path = '', body?: unknown) => service.request(method, `${PATH}${path}`, body);
  const create = async (fields: object = {}): Promise<EndpointWithSecret> => {
    const { status, body } = await call('POST', '', { url: URL_, enabled: false, ...fields });
    expect(status, JSON.stringify(body)).to.equal(201);
    return body;
  };
  const get = async (id: number): Promise<Endpoint> => (await call('GET', `/${id}`)).body;
  const patch = async (id: number, change: object): Promise<Endpoint> => {
    const { status, body } = await call('PATCH', `/${id}`, change);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body;
  };
  const addDelivery = (id: number, event: number, state: string, attempts = 0) =>
    sql(
      `insert into endpoint_deliveries (endpoint_id, event_id, status, attempt_count, next_attempt_at)
       values ($1, $2, $3, $4, case when $3 = 'pending' then now() + interval '1 hour' end)`,
      [id, event, state, attempts],
    );
  const addAttempt = (id: number, event: number, number: number, code: string | null) =>
    sql(
      `insert into endpoint_attempts
         (endpoint_id, event_id, number, started_at, duration_ms, outcome, status_code, error_code, detail, response_body)
       values ($1, $2, $3, now(), 12, case when $4::text is null then 'succeeded' else 'failed' end,
         case when $4 = 'status' then 500 end, $4, case when $4 is not null then 'A detail.' end, null)`,
      [id, event, number, code],
    );
  const signatureOf = (secret: string, { headers, body }: (typeof received)[number]) => {
    const hmac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'));
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    return `v1,${hmac.update(signed).digest('base64')}`;
  };

  describe('are created', () => {
    it('at the end of the feed, with a secret that no other response has', async () => {
      const [state] = await sql<{ last_position: string }>('select last_position from feed_state');
      const event_types = ['message.received', 'message.delivered', 'message.received'];
      const answer = await call('POST', '', { url: URL_, event_types, description: 'Inbox' });
      const { id, secret, ...endpoint } = answer.body;
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([201, `${PATH}/${id}`]);
      expect(secret).to.match(/^whsec_/);
      expect(Buffer.from(secret.slice(6), 'base64')).to.have.length(32);
      expect(endpoint).to.deep.include({
        ...{ url: URL_, description: 'Inbox', event_types: ['message.received', 'message.delivered'] },
        ...{ enabled: true, disabled_reason: null, disabled_at: null, failing_since: null },
        ...{ pending_count: 0, failed_count: 0 },
      });
      expect(endpoint.position).to.be.at.least(Number(state?.last_position));
      const others = [
        await call('GET', `/${id}`),
        await call('GET'),
        await call('PATCH', `/${id}`, { enabled: false }),
        await call('POST', `/${id}/replay`, { failed: true }),
        await call('POST', `/${id}/test`),
        await call('GET', `/${id}/attempts`),
      ];
      for (const { status, body } of others) {
        expect(status).to.be.below(300);
        expect(JSON.stringify(body)).not.to.match(/whsec|secret/);
      }
    });

    it('disabled if the request says so', async () => {
      const { disabled_at, ...endpoint } = await create();
      expect(endpoint).to.include({ enabled: false, disabled_reason: 'request' });
      expect(disabled_at).to.be.a('string');
    });

    it('with a URL that ALLOWED_PRIVATE_HOSTS allows only', async () => {
      for (const url of ['https://example.com/a?b=c', 'http://127.0.0.1:1/', 'http://internal.test/'])
        expect((await create({ url })).url).to.equal(url);
      const { id } = await create();
      for (const url of [
        ...['http://8.8.8.8/', 'https://10.0.0.1/', 'http://127.0.0.2/', 'https://[::ffff:10.0.0.1]/'],
        ...['https://169.254.169.254/latest', 'https://2852039166/', 'https://u:p@example.com/'],
        ...[
          'https://example.com/#a',
          'ftp://example.com/',
          'text',
          '',
          `https://example.com/${'x'.repeat(2_048)}`,
        ],
      ])
        for (const answer of [await call('POST', '', { url }), await call('PATCH', `/${id}`, { url })]) {
          expect([answer.status, answer.body.code], url).to.deep.equal([422, 'invalid_request']);
          expect(answer.body.errors[0].path, url).to.equal('/body/url');
        }
      expect((await get(id)).url).to.equal(URL_);
    });

    it('up to 1,000, of which deleted ones do not count', async () => {
      const added = await sql<{ id: number }>(
        `insert into endpoints (url, secret, position, enabled, disabled_reason, disabled_at)
         select 'https://receiver.invalid/', 'whsec_', 0, false, 'request', now()
         from generate_series(1, 999 - (select count(*) from endpoints where deleted_at is null)) returning id`,
      );
      const results = await Promise.all([1, 2, 3].map(() => call('POST', '', { url: URL_, enabled: false })));
      expect(results.map(({ status }) => status).sort()).to.deep.equal([201, 409, 409]);
      const refused = results.find(({ status }) => status === 409);
      expect(refused?.body.code).to.equal('too_many_endpoints');
      expect((await call('DELETE', `/${added[0]?.id}`)).status).to.equal(204);
      await create();
      await sql('delete from endpoints where id = any($1)', [added.map(({ id }) => id)]);
    });
  });

  it('are listed, the newest first', async () => {
    const ids: number[] = [];
    for (let n = 0; n < 5; n++) ids.push((await create()).id);
    const first = (await call('GET', '?limit=3')).body;
    const second = (await call('GET', `?limit=3&cursor=${first.next_cursor}`)).body;
    const listed = [...first.data, ...second.data].map(({ id }: Endpoint) => id);
    expect(listed.slice(0, 5)).to.deep.equal(ids.reverse());
    expect(first.data[0]).to.deep.equal(await get(ids[0] as number));
  });

  describe('are changed', () => {
    it('by the given fields only', async () => {
      const {
        id,
        secret: _,
        ...before
      } = await create({ description: 'Inbox', event_types: ['message.sent'] });
      const url = 'https://other.invalid/';
      expect(await patch(id, { url })).to.deep.include({
        ...before,
        url,
        updated_at: (await get(id)).updated_at,
      });
      expect(await patch(id, { description: null })).to.deep.include({ description: null, url });
      expect(await patch(id, { event_types: [] })).to.deep.include({ event_types: [], description: null });
      const { status, body } = await call('PATCH', `/${id}`, {});
      expect([status, body.errors]).to.deep.equal([
        422,
        [{ path: '/body', message: 'must have at least one field' }],
      ]);
      expect((await call('PATCH', `/${id}`, { position: 1 })).status).to.equal(422);
      expect((await call('PATCH', `/${id}`, { event_types: ['message.lost'] })).status).to.equal(422);
    });

    it('to disabled and enabled, and continue after their position', async () => {
      const { id, position } = await create();
      await sql(
        `update endpoints set disabled_reason = 'failing', failing_since = now(), paused_until = now() + interval '1 hour'
         where id = $1`,
        [id],
      );
      await addDelivery(id, 1, 'pending');
      const disabled = await patch(id, { enabled: false });
      expect(disabled).to.include({ disabled_reason: 'failing', position, pending_count: 1 });
      expect(disabled.failing_since).to.be.a('string');
      const enabled = await patch(id, { enabled: true });
      expect(enabled).to.include({
        ...{ enabled: true, disabled_reason: null, disabled_at: null },
        position,
      });
      expect(enabled.failing_since).to.equal(null);
      const [row] = await sql<{ paused_until: null }>('select paused_until from endpoints where id = $1', [
        id,
      ]);
      expect(row?.paused_until).to.equal(null);
      expect(await patch(id, { enabled: false })).to.include({ disabled_reason: 'request' });
    });

    it('to another URL, with which pending deliveries are due at once', async () => {
      const { id } = await create();
      await sql('update endpoints set failing_since = now() where id = $1', [id]);
      await addDelivery(id, 1, 'pending');
      await addDelivery(id, 2, 'failed');
      expect((await patch(id, { description: 'Same URL' })).failing_since).to.be.a('string');
      const due = async () =>
        (
          await sql('select from endpoint_deliveries where endpoint_id = $1 and next_attempt_at <= now()', [
            id,
          ])
        ).length;
      expect(await due()).to.equal(0);
      expect((await patch(id, { url: 'https://other.invalid/' })).failing_since).to.equal(null);
      expect(await due()).to.equal(1);
    });
  });

  describe('are tested', () => {
    it('by one signed event, also while they are disabled', async () => {
      const { secret, ...endpoint } = await create({ url: `${receiver.url}/hook` });
      const { status, body } = await call('POST', `/${endpoint.id}/test`);
      const { duration_ms, ...result } = body;
      expect([status, duration_ms >= 0]).to.deep.equal([200, true]);
      expect(result).to.deep.equal({
        ...{ outcome: 'succeeded', status_code: 204, error: null, response_body: null },
      });
      expect(received).to.have.length(1);
      const [sent] = received as [(typeof received)[number]];
      const { timestamp, ...event } = JSON.parse(sent.body);
      expect(event).to.deep.equal({ id: 0, type: 'endpoint.test', data: endpoint });
      expect(Date.parse(timestamp)).to.be.a('number');
      expect(sent.headers['webhook-id']).to.match(/^test_[0-9a-f-]{36}$/);
      expect(sent.headers['webhook-signature']).to.equal(signatureOf(secret, sent));
      const { headers, body: content } = sent;
      const unwrapped = await service.client.events.unwrap({ headers, body: content }, secret);
      expect(unwrapped.type).to.equal('endpoint.test');
      expect((await call('GET', `/${endpoint.id}/attempts`)).body.data).to.deep.equal([]);
    });

    it('with the reason if the attempt fails', async () => {
      status = 500;
      const { id } = await create({ url: receiver.url });
      expect((await call('POST', `/${id}/test`)).body).to.deep.include({
        ...{ outcome: 'failed', status_code: 500, response_body: 'A reason.' },
        error: { code: 'status', detail: 'The endpoint responded 500.' },
      });
      await sql(`update endpoints set url = 'http://127.0.0.2/' where id = $1`, [id]);
      expect((await call('POST', `/${id}/test`)).body).to.deep.include({
        outcome: 'failed',
        status_code: null,
      });
      expect((await call('POST', `/${id}/test`)).body.error.code).to.equal('address_not_allowed');
    });

    it('with both secrets within 24 hours of a rotation', async () => {
      const { id, secret } = await create({ url: receiver.url });
      const secrets = [secret];
      const signatures = async () => {
        received = [];
        await call('POST', `/${id}/test`);
        const [sent] = received as [(typeof received)[number]];
        const signed = String(sent.headers['webhook-signature']).split(' ');
        return signed.map((signature) => secrets.findIndex((each) => signatureOf(each, sent) === signature));
      };
      const rotate = async () => {
        const { status, body } = await call('POST', `/${id}/rotate-secret`);
        expect([status, secrets.includes(body.secret)]).to.deep.equal([200, false]);
        secrets.push(body.secret);
      };
      await rotate();
      expect(await signatures()).to.deep.equal([1, 0]);
      await rotate();
      expect(await signatures()).to.deep.equal([2, 1]);
      const [row] = await sql<{ hours: number }>(
        `select round(extract(epoch from previous_secret_expires_at - now()) / 3600)::int as hours from endpoints where id = $1`,
        [id],
      );
      expect(row?.hours).to.equal(24);
      await sql('update endpoints set previous_secret_expires_at = now() where id = $1', [id]);
      expect(await signatures()).to.deep.equal([2]);
    });
  });

  describe('are replayed', () => {
    const append = (count: number) =>
      sql(
        `select ${storedFunction('append_events')}(array_fill('participant.linked'::text, array[$1::int]),
           array_fill(1::bigint, array[$1::int]), array_fill(null::bigint, array[$1::int]))`,
        [count],
      );

    it('from a position, which never moves forward', async () => {
      await append(10);
      await until(async () => {
        const [row] = await sql<{ last_position: string }>('select last_position from feed_state');
        return Number(row?.last_position) >= 10;
      }, 'ten events');
      const { id, position } = await create();
      const replay = (after: number) => call('POST', `/${id}/replay`, { after });
      expect((await replay(position + 5)).body.position).to.equal(position);
      const { status, body } = await replay(4);
      expect([status, body.position]).to.deep.equal([202, 4]);
      expect((await replay(7)).body.position).to.equal(4);
      expect((await replay(0)).body.position).to.equal(0);
    });

    it('only from a position that is kept', async () => {
      const { id } = await create();
      await sql('delete from events where id <= 3');
      const refused = await call('POST', `/${id}/replay`, { after: 2 });
      expect([refused.status, refused.body.code]).to.deep.equal([410, 'position_expired']);
      expect((await call('POST', `/${id}/replay`, { after: 3 })).body.position).to.equal(3);
      expect((await call('POST', `/${id}/replay`, { after: 0 })).body.position).to.equal(3);
    });

    it('for failed deliveries, with a new schedule', async () => {
      const { id } = await create();
      await addDelivery(id, 1, 'failed', 10);
      await addDelivery(id, 2, 'delivered', 1);
      await addDelivery(id, 3, 'pending', 2);
      expect(await get(id)).to.include({ pending_count: 1, failed_count: 1 });
      const { status, body } = await call('POST', `/${id}/replay`, { failed: true });
      expect(status).to.equal(202);
      expect(body).to.include({ pending_count: 2, failed_count: 0 });
      const rows = await sql(
        `select event_id::int as event, status, attempt_count as attempts, schedule_start as start,
           next_attempt_at <= now() as due
         from endpoint_deliveries where endpoint_id = $1 order by event_id`,
        [id],
      );
      expect(rows).to.deep.equal([
        { event: 1, status: 'pending', attempts: 10, start: 10, due: true },
        { event: 2, status: 'delivered', attempts: 1, start: 0, due: null },
        { event: 3, status: 'pending', attempts: 2, start: 0, due: false },
      ]);
    });

    it('by at least one field', async () => {
      const { id } = await create();
      for (const body of [{}, { failed: false }, { after: -1 }, { after: '1' }])
        expect((await call('POST', `/${id}/replay`, body)).status, JSON.stringify(body)).to.equal(422);
    });
  });

  it('have attempts, with filters and pages, the newest first', async () => {
    const { id } = await create();
    for (let event = 1; event <= 3; event++) {
      await addAttempt(id, event, 1, 'status');
      await addAttempt(id, event, 2, event === 1 ? 'worker_lost' : null);
    }
    const list = async (filter: string) => (await call('GET', `/${id}/attempts${filter}`)).body;
    const keys = (data: Schema<'EndpointAttempt'>[]) =>
      data.map(({ event_id, number }) => [event_id, number]);
    const { data, next_cursor } = await list('?limit=4');
    const rest = await list(`?limit=4&cursor=${next_cursor}`);
    const all = [...data, ...rest.data];
    expect(keys(all)).to.deep.equal([
      [3, 2],
      [3, 1],
      [2, 2],
      [2, 1],
      [1, 2],
      [1, 1],
    ]);
    expect(rest.next_cursor).to.equal(null);
    expect(all[0]).to.include({ outcome: 'succeeded', error: null, duration_ms: 12 });
    expect(all[5]).to.deep.include({ status_code: 500, error: { code: 'status', detail: 'A detail.' } });
    expect(keys((await list('?event_id=2')).data)).to.deep.equal([
      [2, 2],
      [2, 1],
    ]);
    expect(keys((await list('?outcome=failed')).data)).to.deep.equal([
      [3, 1],
      [2, 1],
      [1, 2],
      [1, 1],
    ]);
    const other = await create();
    expect((await call('GET', `/${other.id}/attempts?limit=4&cursor=${next_cursor}`)).status).to.equal(422);
  });

  it('are deleted with their deliveries and attempts', async () => {
    const { id } = await create();
    const kept = await create();
    for (const each of [id, kept.id]) {
      await addDelivery(each, 1, 'failed');
      await addAttempt(each, 1, 1, 'timeout');
    }
    expect((await call('DELETE', `/${id}`)).status).to.equal(204);
    for (const [method, path, body] of [
      ['GET', `/${id}`],
      ['PATCH', `/${id}`, { enabled: true }],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/rotate-secret`],
      ['POST', `/${id}/test`],
      ['POST', `/${id}/replay`, { failed: true }],
      ['GET', `/${id}/attempts`],
    ] as const) {
      const answer = await call(method, path, body);
      expect([answer.status, answer.body.code], `${method} ${path}`).to.deep.equal([404, 'not_found']);
    }
    for (const table of ['endpoint_deliveries', 'endpoint_attempts'])
      expect(
        await sql(`select endpoint_id::int from ${table} where event_id = 1 and endpoint_id in ($1, $2)`, [
          id,
          kept.id,
        ]),
      ).to.deep.equal([{ endpoint_id: kept.id }]);
    expect(await sql('select from endpoints where id = $1', [id])).to.deep.equal([]);
  });

  it('lose the history of expired events and of deleted endpoints in batches', async () => {
    const run = async () => {
      const [row] = await sql<{ deleted: string }>(
        `select ${storedFunction('delete_endpoint_history')}(4, 2) as deleted`,
      );
      return Number(row?.deleted);
    };
    while ((await run()) > 0);
    const [one, other] = [await create(), await create()];
    for (const { id } of [one, other])
      for (let event = 1; event <= 5; event++) {
        await addDelivery(id, event, 'delivered');
        await addAttempt(id, event, 1, null);
      }
    await sql('update endpoints set deleted_at = now() where id = $1', [other.id]);
    let total = 0;
    for (let deleted = await run(); deleted > 0; deleted = await run()) {
      expect(deleted).to.be.at.most(5);
      total += deleted;
    }
    expect(total).to.equal(6 + 10);
    const rows = await sql(
      'select endpoint_id::int as id, event_id::int as event from endpoint_deliveries where endpoint_id in ($1, $2) order by 2',
      [one.id, other.id],
    );
    expect(rows).to.deep.equal([4, 5].map((event) => ({ id: one.id, event })));
    expect(await sql('select from endpoints where id = $1', [other.id])).to.deep.equal([]);
  });

  it('keep their history while an attempt is settled that locks the deleted endpoint', async () => {
    const { id } = await create();
    await addDelivery(id, 1, 'pending');
    await sql(
      `update endpoints set deleted_at = now(), enabled = false, disabled_reason = 'request', disabled_at = now() where id = $1`,
      [id],
    );
    const history = `select ${storedFunction('delete_endpoint_history')}(0, 10)`;
    const settling = new pg.Client(service.databaseUrl);
    await settling.connect();
    try {
      await settling.query(`begin; select from endpoints where id = ${id} for no key update`);
      await sql(`set lock_timeout = '5s'; ${history}`);
      // The settling transaction does not wait for a lock of the other.
      await settling.query(
        `set lock_timeout = '5s'; select from endpoint_deliveries where endpoint_id = ${id} for update`,
      );
      await settling.query('commit');
    } finally {
      await settling.end();
    }
    expect(await sql('select from endpoint_deliveries where endpoint_id = $1', [id])).to.have.length(1);
    await sql(history);
    expect(await sql('select from endpoints where id = $1', [id])).to.deep.equal([]);
  });

  it('are the subject of the event endpoint.disabled', async () => {
    const { id, secret: _ } = await create();
    await sql(
      `select ${storedFunction('append_events')}('{endpoint.disabled}', array[$1::bigint], array[null::bigint])`,
      [id],
    );
    const event = await until(async () => {
      const { body } = await service.request('GET', '/api/events?type=endpoint.disabled');
      return body.data.find(({ data }: { data: Endpoint }) => data.id === id);
    }, 'the event');
    expect(event.data).to.deep.equal(await get(id));
  });
});

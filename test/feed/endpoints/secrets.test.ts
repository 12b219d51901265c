import { expect } from 'chai';
import type { Schema } from '../../../src/openapi/types.ts';
import { createMigratedDatabase, query } from '../../support/database.ts';
import { type EventReceiver, expectedSignature, startEventReceiver } from '../../support/event-receiver.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const [OLD, NEW, OTHER] = ['old', 'new', 'other'].map(
  (name) => `the-${name}-secret-key-for-tests-0123456789`,
);
const PLAIN = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('The secrets of endpoints', function () {
  this.timeout(60_000);
  let databaseUrl: string;
  let receiver: EventReceiver;
  before(async () => {
    databaseUrl = await createMigratedDatabase();
    receiver = await startEventReceiver();
  });
  after(() => receiver?.stop());
  afterEach(() => query(databaseUrl, 'delete from endpoints'));

  const withKeys = async <T>(
    keys: (string | undefined)[],
    work: (service: Harness) => Promise<T>,
  ): Promise<T> => {
    const service = await startHarness({
      ...{ DATABASE_URL: databaseUrl, SECRET_KEYS: keys.join(), ALLOWED_PRIVATE_HOSTS: '127.0.0.1' },
    });
    return work(service).finally(() => service.stop());
  };
  const create = async (service: Harness): Promise<Schema<'EndpointWithSecret'>> =>
    (await service.request('POST', '/api/endpoints', { url: `${receiver.url}/hook` })).body;
  const test = async (service: Harness, id: number): Promise<Schema<'EndpointTestResult'>> =>
    (await service.request('POST', `/api/endpoints/${id}/test`)).body;
  const signedBy = async (service: Harness, id: number, secrets: string[]) => {
    const count = receiver.at('/hook').length;
    expect(await test(service, id)).to.include({ outcome: 'succeeded' });
    const received = receiver.at('/hook')[count];
    expect(received?.headers['webhook-signature']).to.equal(
      secrets.map((secret) => received && expectedSignature(secret, received)).join(' '),
    );
  };
  const stored = async (id: number) => {
    const [row] = await query<{ secret: string; previous_secret: string | null }>(
      databaseUrl,
      'select secret, previous_secret from endpoints where id = $1',
      [id],
    );
    return [row?.secret ?? '', row?.previous_secret ?? ''] as const;
  };
  const untilChanged = (id: number, before: readonly [string, string]) =>
    until(async () => {
      const now = await stored(id);
      return now[0] !== before[0] && now[1] !== before[1];
    }, 'the secrets are encrypted again');

  it('are stored encrypted, differently each time', async () => {
    await withKeys([OLD], async (service) => {
      const [first, second] = [await create(service), await create(service)];
      const secrets = [...(await stored(first.id)), ...(await stored(second.id))].filter(Boolean);
      expect(new Set(secrets).size).to.equal(2);
      expect(secrets.join()).not.to.match(/whsec_/);
      await signedBy(service, first.id, [first.secret]);
      const { body: rotated } = await service.request('POST', `/api/endpoints/${first.id}/rotate-secret`);
      expect((await stored(first.id)).join()).not.to.match(/whsec_/);
      await signedBy(service, first.id, [rotated.secret, first.secret]);
    });
  });

  it('of a previous version are encrypted, and sign as before', async () => {
    await withKeys([OLD], async (service) => {
      const { id } = await create(service);
      await query(
        databaseUrl,
        `update endpoints set secret = $2, previous_secret = $2, previous_secret_expires_at = now() + interval '1 day'
         where id = $1`,
        [id, PLAIN],
      );
      await signedBy(service, id, [PLAIN, PLAIN]);
    });
    const [{ id }] = (await query<{ id: number }>(databaseUrl, 'select id from endpoints')) as [
      { id: number },
    ];
    await withKeys([OLD], async (service) => {
      await untilChanged(id, [PLAIN, PLAIN]);
      await signedBy(service, id, [PLAIN, PLAIN]);
    });
  });

  it('are encrypted with the new key during a rotation, after which the old key is not needed', async () => {
    const { id, secret } = await withKeys([OLD], async (service) => {
      const created = await create(service);
      const { body } = await service.request('POST', `/api/endpoints/${created.id}/rotate-secret`);
      return { id: created.id, secret: [body.secret, created.secret] };
    });
    const before = await stored(id);
    await withKeys([NEW, OLD], async (service) => {
      await untilChanged(id, before);
      await signedBy(service, id, secret);
    });
    await withKeys([NEW], (service) => signedBy(service, id, secret));
  });

  it('of an unknown key make attempts fail with a code, until the secret is rotated', async () => {
    const { id } = await withKeys([OLD], create);
    const before = await stored(id);
    await withKeys([OTHER], async (service) => {
      const failed = await test(service, id);
      expect(failed).to.include({ outcome: 'failed', status_code: null });
      expect(failed.error).to.deep.equal({
        code: 'secret_unreadable',
        detail:
          'SECRET_KEYS has no key that encrypted the secret of the endpoint: restore the key, or rotate the secret.',
      });
      expect(await stored(id)).to.deep.equal(before);
      const altered = `${before[0].slice(0, -4)}AAAA`;
      await query(databaseUrl, 'update endpoints set secret = $2 where id = $1', [id, altered]);
      expect((await test(service, id)).error?.code).to.equal('secret_unreadable');
      const { body } = await service.request('POST', `/api/endpoints/${id}/rotate-secret`);
      // The previous secret cannot sign any more.
      await signedBy(service, id, [body.secret]);
    });
  });
});

import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { type ProviderServer, startProviderServer } from '../support/provider-server.ts';
import { until } from '../support/until.ts';

describe('The messages of one conversation', () => {
  let service: Harness;
  let provider: ProviderServer | undefined;
  /** The bodies of the messages in the order of the calls. */
  let called: string[];
  let release: () => void;
  afterEach(async () => {
    await service.stop();
    await provider?.stop();
  });

  /** Starts a provider that responds for the message `later` after `release`, and rejects the first call for `failed`. */
  const startHolding = async () => {
    called = [];
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    provider = await startProviderServer(async (request, response) => {
      const { body } = (await json(request)) as { body: string };
      called.push(body);
      if (body === 'later') await held;
      response.statusCode = body === 'failed' && called.length === 1 ? 400 : 202;
      response.end(JSON.stringify({ id: `sms_${called.length}` }));
    });
    service = await startHarness({ TEXT_CO_URL: provider.url });
  };
  const send = async (body: string, sendAt?: Date): Promise<number> =>
    (await service.request('POST', '/api/messages/sms', { ...sms, body, send_at: sendAt?.toISOString() }))
      .body.id;
  /** Whether the delivery can be claimed, or is claimed. */
  const isActive = async (id: number) =>
    (
      await query<{ active: boolean }>(
        service.databaseUrl,
        'select next_attempt_at is not null as active from deliveries where message_id = $1',
        [id],
      )
    )[0]?.active;
  const statusOf = async (id: number) => (await service.request('GET', `/api/messages/${id}`)).body.status;

  it('are not sent together if a scheduled message becomes due while a later message is sent', async () => {
    await startHolding();
    const scheduled = await send('scheduled', new Date(Date.now() + 3_600_000));
    const later = await send('later');
    await until(() => called.length === 1, 'the later message is being sent');
    await query(service.databaseUrl, 'update deliveries set next_attempt_at = now() where message_id = $1', [
      scheduled,
    ]);
    await service.untilStatus(scheduled, 'queued');
    expect([await isActive(scheduled), await statusOf(later)]).to.deep.equal([false, 'sending']);
    release();
    await service.untilStatus(scheduled, 'sent');
    expect(called).to.deep.equal(['later', 'scheduled']);
  });

  it('are not sent together if an earlier message is retried while a later message is sent', async () => {
    await startHolding();
    const failed = await send('failed');
    await service.untilStatus(failed, 'failed');
    const later = await send('later');
    await until(() => called.length === 2, 'the later message is being sent');
    const last = await send('last');
    await service.request('POST', `/api/messages/${failed}/retry`);
    expect([await isActive(failed), await statusOf(failed)]).to.deep.equal([false, 'queued']);
    expect([await isActive(later), await isActive(last)]).to.deep.equal([true, false]);
    release();
    await service.untilStatus(last, 'sent');
    expect(called).to.deep.equal(['failed', 'later', 'failed', 'last']);
  });

  it('are sent after the active message was canceled, expired or lost its account', async () => {
    service = await startHarness();
    const faults = (list: object[]) => service.control('PUT', '/_control/faults', list);
    for (const end of ['cancel', 'expire', 'remove']) {
      await faults([{ channel: 'sms', type: 'status', status: 400, times: 1 }]);
      const failed = await send(`failed before ${end}`);
      await service.untilStatus(failed, 'failed');
      await faults([{ channel: 'sms', type: 'status', status: 503, retry_after: 3_600 }]);
      const active = await send('active');
      await until(
        async () => (await service.request('GET', `/api/messages/${active}/attempts`)).body.data.length === 1,
        'a first attempt',
      );
      await service.request('POST', `/api/messages/${failed}/retry`);
      expect(await isActive(failed)).to.equal(false);
      await faults([]);
      if (end === 'cancel') await service.request('POST', `/api/messages/${active}/cancel`);
      if (end === 'expire')
        await query(service.databaseUrl, 'update deliveries set expires_at = now() where message_id = $1', [
          active,
        ]);
      if (end === 'remove')
        await query(
          service.databaseUrl,
          `update deliveries set provider = 'removed-co', may_have_been_sent = true, next_attempt_at = now() - interval '1 hour'
           where message_id = $1`,
          [active],
        );
      await service.untilStatus(failed, 'delivered');
    }
  });
});

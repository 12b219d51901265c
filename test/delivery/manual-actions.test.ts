import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import { email, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Answer, type Harness, SHORT_TIMEOUT, startHarness } from '../support/harness.ts';
import { timelineOf } from '../support/timeline.ts';
import { until } from '../support/until.ts';

const in_ = (ms: number) => new Date(Date.now() + ms).toISOString();
const HOUR = 3_600_000;

describe('Manual actions on a message', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness();
  });
  afterEach(() => service.stop());

  const post = (path: string, body?: object, headers?: Record<string, string>): Promise<Answer> =>
    service.request('POST', `/api/messages/${path}`, body, headers);
  const send = async (body: object): Promise<number> => (await post('send', body)).body.id;
  const timeline = (id: number) => timelineOf(service, id);
  const faults = (list: object[]) => service.control('PUT', '/_control/faults', list);
  const expectProblem = ({ status, body }: Answer, expected: number, code: string) => {
    expect([status, body.code], JSON.stringify(body)).to.deep.equal([expected, code]);
  };

  describe('cancel', () => {
    it('cancels a scheduled message and activates the next message', async () => {
      const id = await send({ ...sms, send_at: in_(HOUR) });
      const { status, body } = await post(`${id}/cancel`);
      expect([status, body.status, body.id]).to.deep.equal([200, 'canceled', id]);
      const next = await send(sms);
      await service.untilStatus(next, 'delivered');
      expect(await service.accepted()).to.have.length(1);
      expect((await timeline(id)).actions).to.have.length(1);
      expect((await timeline(id)).actions[0]).to.include({ action: 'cancel', from_status: 'scheduled' });
    });

    it('cancels a queued message between two attempts and activates the next message', async () => {
      await faults([{ channel: 'sms', type: 'status', status: 503, retry_after: 60 }]);
      const id = await send(sms);
      const next = await send({ ...sms, body: 'the next' });
      await until(async () => (await timeline(id)).attempts.length === 1, 'a first attempt');
      await faults([]);
      expect((await post(`${id}/cancel`)).body.status).to.equal('canceled');
      await service.untilStatus(next, 'delivered');
      expect((await service.accepted()).map(({ request }) => request.body)).to.deep.equal(['the next']);
    });

    it('returns a canceled message unchanged', async () => {
      const id = await send({ ...sms, send_at: in_(HOUR) });
      await post(`${id}/cancel`);
      const again = await post(`${id}/cancel`);
      expect(again.status).to.equal(200);
      expect(again.headers.get('idempotent-replayed')).to.equal(null);
      expect((await timeline(id)).actions).to.have.length(1);
    });

    it('reports a replay only for a repeated idempotency key, also of a message that was canceled before', async () => {
      const id = await send({ ...sms, send_at: in_(HOUR) });
      await post(`${id}/cancel`);
      const key = { 'idempotency-key': 'cancel-again' };
      const answers = [
        await post(`${id}/cancel`, undefined, key),
        await post(`${id}/cancel`, undefined, key),
      ];
      expect(answers.map(({ headers }) => headers.get('idempotent-replayed'))).to.deep.equal([null, 'true']);
      expect(answers.map(({ status, body }) => [status, body.status])).to.deep.equal([
        [200, 'canceled'],
        [200, 'canceled'],
      ]);
    });

    it('returns 409 for a message that was sent or may have been sent', async () => {
      const sent = await send(sms);
      await service.untilStatus(sent, 'delivered');
      expectProblem(await post(`${sent}/cancel`), 409, 'not_cancelable');
      await faults([{ channel: 'sms', type: 'lost_response' }]);
      const uncertain = await send({ ...sms, to: '+18045550001' });
      await until(async () => (await timeline(uncertain)).attempts.length > 0, 'a first attempt');
      expectProblem(await post(`${uncertain}/cancel`), 409, 'not_cancelable');
    });

    it('returns 404 for an unknown and for an inbound message, 422 for an invalid id', async () => {
      const inbound = await service.request('POST', '/api/webhooks/sms', {
        ...sms,
        messaging_provider_id: 'in-1',
      });
      for (const id of [99, inbound.body.id])
        for (const action of ['cancel', 'retry'])
          expectProblem(await post(`${id}/${action}`), 404, 'not_found');
      expectProblem(await post('x/cancel'), 422, 'invalid_request');
    });
  });

  describe('retry', () => {
    it('sends a rejected message again, as a new attempt', async () => {
      await faults([{ channel: 'sms', type: 'status', status: 400, times: 1 }]);
      const id = await send(sms);
      await service.untilStatus(id, 'failed');
      const { status, headers, body } = await post(`${id}/retry`);
      expect([status, body.error]).to.deep.equal([202, null]);
      // A worker may have claimed the message already.
      expect(body.status).to.be.oneOf(['queued', 'sending', 'sent', 'delivered']);
      expect(headers.get('location')).to.equal(`/api/messages/${id}`);
      await service.untilStatus(id, 'delivered');
      const { attempts: data, actions } = await timeline(id);
      expect(data.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['rejected', 'accepted']);
      expect(actions[0]).to.include({ action: 'retry', from_status: 'failed' });
    });

    it('sends an undelivered message with a new delivery key, and ignores receipts of the old key', async () => {
      const id = await send({ ...sms, to: '+18040000008' });
      const first = await service.untilStatus(id, 'undelivered');
      await service.control('PUT', '/_control/settings', { receipts: { enabled: false } });
      await post(`${id}/retry`);
      const second = await service.untilStatus(id, 'sent');
      expect(second.provider_message_id).not.to.equal(first.provider_message_id);
      const receive = async ({ provider_message_id }: Message, status: string) => {
        const receipt = { messaging_provider_id: provider_message_id, status };
        await service.request('POST', '/api/webhooks/sms/status', receipt);
        return (await service.request('GET', `/api/messages/${id}`)).body.status;
      };
      expect(await receive(first, 'failed')).to.equal('sent');
      expect(await receive(second, 'undelivered')).to.equal('undelivered');
      expect(await service.accepted()).to.have.length(2);
    });

    it('applies once per idempotency key, also for concurrent requests', async () => {
      await faults([{ channel: 'sms', type: 'status', status: 400, times: 2 }]);
      const [id, other] = [await send(sms), await send({ ...sms, to: '+18045550001' })];
      await service.untilStatus(id, 'failed');
      await service.untilStatus(other, 'failed');
      const key = { 'idempotency-key': 'again' };
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => post(`${id}/retry`, undefined, key)));
      expect(answers.map(({ status }) => status)).to.deep.equal([202, 202, 202, 202, 202]);
      expect(answers.filter(({ headers }) => headers.get('idempotent-replayed')).length).to.equal(4);
      expect((await timeline(id)).actions).to.have.length(1);
      expectProblem(await post(`${other}/retry`, undefined, key), 422, 'idempotency_key_reused');
      expectProblem(await post(`${id}/cancel`, undefined, key), 422, 'idempotency_key_reused');
    });

    it('returns 409 for a message that has not failed', async () => {
      const id = await send(sms);
      await service.untilStatus(id, 'delivered');
      expectProblem(await post(`${id}/retry`), 409, 'not_retriable');
    });
  });

  describe('expires_at', () => {
    it('is a day after the message is due by default', async () => {
      const now = (await post('send', sms)).body;
      expect(Date.parse(now.expires_at) - Date.parse(now.created_at)).to.be.within(
        24 * HOUR - 5_000,
        24 * HOUR,
      );
      const later = (await post('send', { ...sms, send_at: '2999-01-01T00:00:00Z' })).body;
      expect(later.expires_at).to.equal('2999-01-02T00:00:00.000Z');
      const invalid = (await post('send', { ...email, expires_at: '2999-01-01T00:00:00Z' })).body;
      expect(invalid.errors?.[0].path).to.equal('/body/expires_at');
      const soon = in_(HOUR);
      expect((await post('send', { ...email, expires_at: soon })).body.expires_at).to.equal(soon);
    });

    it('returns 422 if it is before send_at', async () => {
      const answer = await post('send', { ...sms, send_at: in_(2 * HOUR), expires_at: in_(HOUR) });
      expectProblem(answer, 422, 'invalid_request');
      expect(answer.body.errors[0].path).to.equal('/body/expires_at');
    });

    /** Waits for the first attempt, because a message with a short `expires_at` could expire before it on a busy machine. */
    const expireAfterAttempt = async ({ databaseUrl }: Harness, id: number) => {
      const attempts = 'select from delivery_attempts where message_id = $1';
      await until(async () => (await query(databaseUrl, attempts, [id])).length > 0, 'a first attempt');
      await query(databaseUrl, 'update deliveries set expires_at = now()');
    };

    it('fails a message that was not sent in time, and the messages behind it', async () => {
      await faults([{ channel: 'sms', type: 'status', status: 503, retry_after: 3_600 }]);
      const first = await send(sms);
      const behind = await send(sms);
      await expireAfterAttempt(service, first);
      const error = (await service.untilStatus(first, 'failed')).error;
      expect(error?.code).to.equal('expired');
      expect(error?.detail).to.match(/unavailable \(simulated_503\)/);
      expect((await service.untilStatus(behind, 'failed')).error).to.deep.equal({
        code: 'expired',
        detail: 'The message expired before the first attempt',
        class: 'expired',
        url: null,
      });
      expect((await timeline(behind)).attempts).to.have.length(0);
    });

    it('leaves an expired message unknown if it may have been sent', async () => {
      const hanging = await startHarness(SHORT_TIMEOUT);
      // The look-up hangs too: its response would fail the message.
      const fault = { channel: 'sms', type: 'timeout', applies_to: 'all' };
      await hanging.control('PUT', '/_control/faults', [fault]);
      const { id } = (await hanging.request('POST', '/api/messages/sms', sms)).body;
      await until(async () => {
        const mayBeSent = 'select from deliveries where message_id = $1 and may_have_been_sent';
        return (await query(hanging.databaseUrl, mayBeSent, [id])).length > 0;
      }, 'the message may have been sent');
      await expireAfterAttempt(hanging, id);
      expect((await hanging.untilStatus(id, 'unknown')).error?.code).to.equal('expired');
      await hanging.stop();
    });

    it('reconciles a message that may have been sent before the message expires', async () => {
      const other = await startHarness({ TEXT_CO_IDEMPOTENCY_KEYS: 'false', PROVIDER_TIMEOUT_MS: '30000' });
      await other.control('PUT', '/_control/settings', { honour_idempotency_keys: false });
      await other.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'lost_response', times: 1 }]);
      // Without the expiry, the look-up would be 30 s after the lost response.
      const { id } = (await other.request('POST', '/api/messages/sms', sms)).body;
      await expireAfterAttempt(other, id);
      await other.untilStatus(id, 'delivered');
      const { data } = (await other.request('GET', `/api/messages/${id}/attempts`)).body;
      expect(data.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['unknown', 'accepted']);
      expect(await other.accepted()).to.have.length(1);
      await other.stop();
    });

    it('prevents an attempt after it has passed, and a manual retry extends it by a day', async () => {
      const id = await send({ ...sms, expires_at: in_(-1_000) });
      await service.untilStatus(id, 'failed');
      expect(await service.accepted()).to.have.length(0);
      const { body } = await post(`${id}/retry`);
      expect(Date.parse(body.expires_at)).to.be.greaterThan(Date.now() + 23 * HOUR);
      await service.untilStatus(id, 'delivered');
    });
  });

  it('retry sends a message with an unknown outcome again', async () => {
    const other = await startHarness({
      ...SHORT_TIMEOUT,
      TEXT_CO_IDEMPOTENCY_KEYS: 'false',
      TEXT_CO_CAN_LOOK_UP: 'false',
    });
    await other.control('PUT', '/_control/settings', { honour_idempotency_keys: false, lookup: false });
    await other.control('PUT', '/_control/faults', [{ channel: 'sms', type: 'timeout', times: 1 }]);
    const { id } = (await other.request('POST', '/api/messages/sms', sms)).body;
    await other.untilStatus(id, 'unknown');
    expect((await other.request('POST', `/api/messages/${id}/retry`)).status).to.equal(202);
    await other.untilStatus(id, 'delivered');
    expect(await other.accepted()).to.have.length(1);
    const [row] = await query<{ from_status: string }>(other.databaseUrl, 'select * from delivery_actions');
    expect(row?.from_status).to.equal('unknown');
    await other.stop();
  });
});

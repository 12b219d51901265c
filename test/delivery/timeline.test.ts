import { expect } from 'chai';
import { inboundSms, sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { timelineOf } from '../support/timeline.ts';

describe('The timeline of a message', () => {
  let service: Harness;
  beforeEach(async () => {
    service = await startHarness();
  });
  afterEach(() => service.stop());
  const send = async (message: object) =>
    (await service.request('POST', '/api/messages/sms', message)).body.id as number;

  it('has the first status, the attempt, the receipts and the current status, oldest first', async () => {
    const id = await send(sms);
    await service.untilStatus(id, 'delivered');
    const { entries, statuses, attempts, receipts } = await timelineOf(service, id);
    expect(statuses).to.deep.equal(['queued', 'delivered']);
    expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['accepted']);
    expect(receipts.map(({ status }) => status)).to.include('delivered');
    expect(entries.map(({ at }) => at)).to.deep.equal(entries.map(({ at }) => at).sort());
    expect(entries[0]?.type).to.equal('status');
  });

  it('has the actions of a scheduled message', async () => {
    const id = await send({ ...sms, send_at: '2099-01-01T00:00:00Z' });
    expect((await timelineOf(service, id)).entries).to.have.length(1);
    await service.request('POST', `/api/messages/${id}/cancel`);
    const { statuses, actions } = await timelineOf(service, id);
    expect(statuses).to.deep.equal(['scheduled', 'canceled']);
    expect(actions).to.have.length(1);
    expect(actions[0]).to.include({ action: 'cancel', from_status: 'scheduled' });
  });

  it('of an inbound message has one status', async () => {
    const { body } = await service.request('POST', '/api/webhooks/sms', inboundSms);
    const { entries, statuses } = await timelineOf(service, body.id);
    expect([entries.length, statuses]).to.deep.equal([1, ['received']]);
  });

  it('of an unknown message is 404', async () => {
    expect((await service.request('GET', '/api/messages/4711/timeline')).status).to.equal(404);
  });
});

import { expect } from 'chai';
import { inboundSms, sms } from '../../support/bodies.ts';
import { startHarness } from '../../support/harness.ts';

const SHOP = { authorization: 'Bearer key-of-the-shop' };
const SUPPORT = { authorization: 'Bearer key-of-the-support' };
const later = { ...sms, send_at: '2999-01-01T00:00:00Z' };

describe('The actor of a message', () => {
  it('is the name of the API key, also in each manual action and each repeated response', async () => {
    const service = await startHarness({
      API_KEYS: 'shop:key-of-the-shop:send,support:key-of-the-support',
    });
    try {
      const send = { ...SHOP, 'idempotency-key': 'once' };
      const { body: sent } = await service.request('POST', '/api/messages/sms', later, send);
      expect(sent.actor).to.equal('shop');
      const { body: repeated } = await service.request('POST', '/api/messages/sms', later, send);
      expect([repeated.id, repeated.actor]).to.deep.equal([sent.id, 'shop']);
      const path = `/api/messages/${sent.id}`;
      expect((await service.request('GET', path, undefined, SUPPORT)).body.actor).to.equal('shop');
      const canceled = await service.request('POST', `${path}/cancel`, undefined, SUPPORT);
      expect([canceled.status, canceled.body.actor]).to.deep.equal([200, 'shop']);
      const { body: timeline } = await service.request('GET', `${path}/timeline`, undefined, SUPPORT);
      const actions = timeline.data.flatMap((entry: { action?: object }) => entry.action ?? []);
      expect(actions).to.have.length(1);
      expect(actions[0]).to.include({ action: 'cancel', actor: 'support' });
      const { body: list } = await service.request('GET', '/api/messages', undefined, SUPPORT);
      expect(list.data[0].actor).to.equal('shop');
    } finally {
      await service.stop();
    }
  });

  it('is null without API keys, and for an inbound message', async () => {
    const service = await startHarness();
    try {
      const { body: sent } = await service.request('POST', '/api/messages/sms', later);
      expect(sent.actor).to.equal(null);
      await service.request('POST', `/api/messages/${sent.id}/cancel`);
      const { body: timeline } = await service.request('GET', `/api/messages/${sent.id}/timeline`);
      expect(timeline.data.find(({ type }: { type: string }) => type === 'action').action.actor).to.equal(
        null,
      );
      const { body: received } = await service.request('POST', '/api/webhooks/sms', inboundSms);
      expect(received.actor).to.equal(null);
    } finally {
      await service.stop();
    }
  });
});

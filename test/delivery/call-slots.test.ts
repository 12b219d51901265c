import { expect } from 'chai';
import { CallSlots } from '../../src/delivery/call-slots.ts';
import { HeldWork } from '../../src/outbox/held-work.ts';

describe('The call slots of a worker', () => {
  it('are not free while the bodies and texts of claimed messages need too much memory', async () => {
    const slots = new CallSlots(8, new HeldWork());
    const body = 'x'.repeat(18_000_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    slots.hold({ body, email: null }, promise, () => undefined);
    expect(slots.free().calls).to.equal(8);
    const settled = new Promise<void>((done) =>
      slots.hold({ body: '', email: { text: body } }, promise, done),
    );
    expect(slots.free().calls).to.equal(0);
    resolve();
    await settled;
    expect(slots.free().calls).to.equal(8);
  });
});

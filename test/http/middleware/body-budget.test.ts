import { expect } from 'chai';
import fc from 'fast-check';
import { BodyBudget, type Hold } from '../../../src/http/middleware/body-budget.ts';

describe('The budget of bodies', () => {
  it('refuses the largest bodies, so that small bodies arrive', () => {
    const budget = new BodyBudget(100);
    const refused: string[] = [];
    const [stalled, other, small] = ['stalled', 'other', 'small'].map((name) =>
      budget.begin(() => refused.push(name)),
    ) as [Hold, Hold, Hold];
    stalled.add(60);
    other.add(40);
    expect(small.add(1)).to.equal(true);
    expect(refused).to.deep.equal(['stalled']);
  });

  it('refuses the newest of equal bodies, so that older bodies arrive', () => {
    const budget = new BodyBudget(10);
    const refused: string[] = [];
    const [first, second, third] = ['first', 'second', 'third'].map((name) =>
      budget.begin(() => refused.push(name)),
    ) as [Hold, Hold, Hold];
    for (const hold of [first, second, third]) expect(hold.add(3)).to.equal(true);
    expect(third.add(2)).to.equal(false);
    expect(refused).to.deep.equal(['third']);
    expect(first.add(2)).to.equal(true);
    expect(second.add(3)).to.equal(false);
    expect(refused).to.deep.equal(['third', 'second']);
  });

  it('refuses arriving bodies instead of a body that has arrived', () => {
    const budget = new BodyBudget(10);
    const refused: string[] = [];
    const [arrived, next] = ['arrived', 'next'].map((name) => budget.begin(() => refused.push(name))) as [
      Hold,
      Hold,
    ];
    arrived.add(8);
    arrived.complete();
    expect(next.add(3)).to.equal(false);
    arrived.release();
    expect(refused).to.deep.equal(['next']);
    expect(budget.begin(() => undefined).add(10)).to.equal(true);
  });

  it('of a part of another budget refuses a body at the limit of either, and frees its bytes in both', () => {
    const whole = new BodyBudget(100);
    const part = new BodyBudget(80, whole);
    const refused: string[] = [];
    const [other, large, next] = [whole, part, part].map((budget, n) =>
      budget.begin(() => refused.push(`${n}`)),
    ) as [Hold, Hold, Hold];
    expect(other.add(40)).to.equal(true);
    other.complete();
    expect([large.add(60), large.add(1)]).to.deep.equal([true, false]);
    expect(next.add(81)).to.equal(false);
    expect(refused).to.deep.equal(['1', '2']);
    const arrived = part.begin(() => undefined);
    expect(arrived.add(60)).to.equal(true);
    arrived.complete();
    expect(part.begin(() => undefined).add(1)).to.equal(false);
    arrived.release();
    expect(whole.begin(() => undefined).add(60)).to.equal(true);
  });

  it('never holds more bytes than its limit, and is empty when all bodies are released', () => {
    const step = fc.record({
      body: fc.nat(7),
      action: fc.constantFrom('add', 'complete', 'release'),
      bytes: fc.nat(40),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const budget = new BodyBudget(100);
        const bodies = new Map<number, { hold: Hold; bytes: number; arriving: boolean }>();
        for (const { body, action, bytes } of steps) {
          let own = bodies.get(body);
          if (!own) {
            own = { hold: budget.begin(() => bodies.delete(body)), bytes: 0, arriving: true };
            bodies.set(body, own);
          }
          if (action === 'add' && own.arriving && own.hold.add(bytes)) own.bytes += bytes;
          if (action === 'complete') {
            own.hold.complete();
            own.arriving = false;
          }
          if (action === 'release') {
            own.hold.release();
            bodies.delete(body);
          }
          const held = [...bodies.values()].reduce((sum, each) => sum + each.bytes, 0);
          expect(held).to.be.at.most(100);
        }
        for (const { hold } of bodies.values()) hold.release();
        expect(budget.begin(() => undefined).add(100)).to.equal(true);
      }),
    );
  });
});

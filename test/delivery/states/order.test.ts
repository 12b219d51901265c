import { expect } from 'chai';
import { type State, TRANSITIONS } from '../../../src/delivery/states/table.ts';
import { type Harness, startHarness } from '../../support/harness.ts';
import { type Channel, eventOf } from './model.ts';
import { Stage } from './stage.ts';

const WORDS = ['sent', 'delivered', 'undelivered', 'failed'];
const RECIPIENTS = {
  sms: ['+12015550101', '+12015550102'],
  email: ['ada@example.com', 'grace@example.com'],
} as const;

describe('Receipts in any order', () => {
  let service: Harness;
  let stage: Stage;
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    stage = new Stage(service);
  });
  after(async () => {
    await stage.close();
    await service.stop();
  });

  for (const channel of ['sms', 'email'] as const)
    for (const batch of [true, false])
      it(`of an ${channel} message have the same result as the table, ${batch ? 'in one batch' : 'one at a time'}`, async () => {
        await Promise.all(
          permutations(WORDS).map(async (words) => {
            const actor = await stage.place('sent', 'receipt_sent', channel);
            const receipts = words.map((status) => ({
              status,
              recipient: null,
              of_one: channel === 'email',
            }));
            for (const part of batch ? [receipts] : receipts.map((receipt) => [receipt]))
              await stage.report(actor.id, part);
            expect(await stage.statesOf([actor]), words.join()).to.deep.equal([stateAfter(words, channel)]);
          }),
        );
      });

  for (const channel of ['sms', 'email'] as const)
    it(`of a group ${channel} message move the recipient that they name, or both, or nobody`, async () => {
      const [first, second]: readonly [string, string] = RECIPIENTS[channel];
      const unnamed = { recipient: null, of_one: false };
      const named = [
        { ...unnamed, recipient: first },
        { ...unnamed, recipient: second },
        unnamed,
        { ...unnamed, of_one: true },
      ];
      const events = permutations(WORDS).flatMap((words, index) =>
        [words, words.toReversed()].map((order) =>
          order.map((status, n) => ({ status, ...(named[(n + index) % 4] as (typeof named)[number]) })),
        ),
      );
      await Promise.all(
        events.map(async (receipts, index) => {
          const from = channel === 'sms' ? `+1201666${1_000 + index}` : `shop${index}@example.com`;
          const actor = await stage.place('sent', 'receipt_sent', channel, { from, to: [first, second] });
          for (const part of index % 2 === 0 ? [receipts] : receipts.map((receipt) => [receipt]))
            await stage.report(actor.id, part);
          const expected = [first, second].map((address) =>
            stateAfter(
              receipts
                .filter(({ recipient, of_one }) => (recipient === null ? !of_one : recipient === address))
                .map(({ status }) => status),
              channel,
            ),
          );
          const text = receipts
            .map(({ status, recipient, of_one }) => `${status} ${recipient} ${of_one}`)
            .join();
          expect(await stage.recipientsOf(actor.id), text).to.deep.equal(expected);
          expect(await stage.statesOf([actor]), text).to.deep.equal([summary(expected)]);
        }),
      );
    });
});

/** The state of a sent message after these receipts. */
function stateAfter(words: string[], channel: Channel): State {
  return words.reduce<State>((state, word) => TRANSITIONS[state][eventOf(word, channel)], 'sent');
}

function summary(states: State[]): State {
  if (states.includes('sent')) return 'sent';
  const same = new Set(states).size === 1 ? states[0] : undefined;
  return same === 'delivered' || same === 'failed' ? same : 'undelivered';
}

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

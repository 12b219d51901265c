import { expect } from 'chai';
import { until } from '../../../support/until.ts';
import type { Bench } from './bench.ts';
import type { OutcomeCase, Subject } from './subject.ts';

/** Sends, their outcomes and their reconciliation. */
export function describeSending(
  { outcomes, refusals, reconciliations, lastStatus = 'delivered' }: Subject,
  bench: () => Bench,
): void {
  describe('a send', () => {
    it(`that the provider accepts is ${lastStatus}${lastStatus === 'delivered' ? ' by signed receipts' : ''}`, async () => {
      const { id, to } = await bench().send();
      const message = await bench().service.untilStatus(id, lastStatus);
      const [accepted, ...others] = await bench().acceptedFor(to);
      expect(others).to.deep.equal([]);
      expect(message).to.deep.include({
        provider: bench().subject.account,
        provider_message_id: accepted?.id,
        error: null,
      });
    });

    for (const outcome of outcomes)
      it(`is ${outcome.attempt.outcome} after ${outcome.title}`, () => checkOutcome(bench(), outcome));

    for (const { title, to, status, error } of refusals)
      it(`is ${status}, with the error class ${error.class}, for ${title}`, async () => {
        const { id } = await bench().send(to);
        const message = await bench().service.untilStatus(id, status);
        expect(message.error).to.include(error);
        expect(await bench().attempts(id)).to.have.lengthOf(1);
      });

    for (const { title, settings, faults, status } of reconciliations)
      it(`is ${status} at the end after ${title}, and the provider has it once`, async () => {
        await bench().control('PUT', 'settings', settings);
        const to = bench().recipient();
        await bench().faults(...faults);
        const { id } = await bench().send(to);
        await bench().service.untilStatus(id, status as 'sent');
        const accepted = await bench().acceptedFor(to);
        expect(accepted).to.have.lengthOf(1);
        expect((await bench().message(id)).provider_message_id).to.equal(accepted[0]?.id);
      });
  });
}

/** The fault ends after the first attempt: then the message must reach its end without a second message. */
async function checkOutcome(bench: Bench, outcome: OutcomeCase): Promise<void> {
  const { end = bench.subject.lastStatus ?? 'delivered', sent = 1 } = outcome;
  const to = bench.recipient();
  await bench.faults({ ...outcome.fault, recipient: to });
  const { id } = await bench.send(to);
  await until(async () => (await bench.attempts(id)).length > 0, 'the first attempt is settled');
  await bench.faults();
  const [attempt] = await bench.attempts(id);
  expect(attempt).to.include(outcome.attempt);
  const { error, status } = await bench.message(id);
  if (status === 'queued') expect(error).to.include({ code: outcome.attempt.code, class: outcome.class });
  await bench.service.untilStatus(id, end as 'delivered');
  expect(await bench.acceptedFor(to)).to.have.lengthOf(sent);
}

import { expect } from 'chai';
import { check } from './checker/check.ts';
import { type AcceptedMessage, type Evidence, tokenIn } from './checker/evidence.ts';
import { runWorkload, violatedRules } from './recorded-run.ts';

const UNKNOWN = 'a message is unknown only for a reason';

for (const mode of ['telnyx', 'vonage'] as const)
  describe(`The checker of chaos runs with ${mode}, which has no look-up`, function () {
    this.timeout(60_000);
    let recorded: Evidence;
    let evidence: Evidence;
    before(async () => {
      const faults = [
        { type: 'status', status: 500, accepted: true, times: 2 },
        { type: 'lost_response', times: 2 },
        // Not accepted, although the status is that of an unavailable provider.
        { type: 'status', status: 503, times: 2 },
      ].map((fault) => ({ channel: 'sms', ...fault }));
      recorded = await runWorkload({ sms: mode }, {}, faults, { receipts: { early_rate: 0.5 } }, 2_000);
      recorded.events.push({ at: 0, kind: 'all others settled', detail: '' });
    });
    beforeEach(() => {
      evidence = structuredClone(recorded);
    });

    const unknown = () => {
      const message = evidence.stored.messages.find(
        ({ status, to }) => status === 'unknown' && !to[0]?.endsWith('0000009'),
      );
      return message ?? expect.fail('no message is unknown');
    };
    const violations = () => check(evidence).rules.find(({ rule }) => rule === UNKNOWN)?.violations;

    it('finds no violations in a run in which callbacks reconcile lost responses', () => {
      expect(violatedRules(evidence)).to.deep.equal([]);
      // A refusal can be lost too.
      expect(check(evidence).unknown).to.have.length.within(2, 6);
      expect(evidence.accepted.length).to.be.greaterThan(15);
    });

    it('finds a second acceptance of a message', () => {
      const [accepted] = evidence.accepted as [AcceptedMessage];
      evidence.accepted.push({ ...accepted, id: 'again', sequence: 1_000, receipts: [] });
      expect(violatedRules(evidence)).to.deep.equal(['the provider accepts no message twice']);
    });

    it('finds an unknown message whose callback was acknowledged', () => {
      const { body, delivery_key, to } = unknown();
      const [model] = evidence.accepted as [AcceptedMessage];
      evidence.accepted.push({
        ...{ ...model, id: 'forged', idempotency_key: delivery_key, sequence: 0 },
        ...{ request: { ...model.request, to: to[0], body } },
        receipts: [{ status: 'sent', acknowledged: 1, failed: 0 }],
      });
      expect(violations()?.[0]).to.match(/its callback sent was acknowledged/);
    });

    it('finds an unknown message without an uncertain call', () => {
      const token = tokenIn(unknown().body);
      for (const call of evidence.calls)
        if (call.fault !== null) Object.assign(call, { fault: null, status: 429 });
      expect(violations()?.join()).to.include(`${token}: `);
      expect(violations()?.[0]).to.match(/each of its calls had a response/);
    });
  });

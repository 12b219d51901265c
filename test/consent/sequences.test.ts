import { expect } from 'chai';
import fc from 'fast-check';
import { entriesOf } from '../support/consent.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { inboundForm, sendCallback, sidOf, twilioEnvironment } from '../support/twilio.ts';
import { deliver, inboundBody } from '../support/webhooks.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 15);
const OPTED_OUT = ['stop_keyword', 'provider_opt_out'];

interface Request {
  type: 'text' | 'report';
  action: 'STOP' | 'START' | 'HELP';
}
type Step = Request | { type: 'redeliver'; index: number } | { type: 'put' } | { type: 'delete' };

/** The reasons of the entry after a step; a redelivery changes nothing. */
function reasonsAfter(reasons: string[], step: Step): string[] {
  if (step.type === 'delete') return [];
  if (step.type === 'put') return reasons.includes('manual') ? reasons : [...reasons, 'manual'];
  if (step.type === 'redeliver' || step.action === 'HELP') return reasons;
  const others = reasons.filter((reason) => !OPTED_OUT.includes(reason));
  if (step.action === 'START') return others;
  const isOptedOut = others.length < reasons.length;
  return isOptedOut ? reasons : [step.type === 'text' ? 'stop_keyword' : 'provider_opt_out', ...others];
}

describe('The entry of a recipient', () => {
  let service: Harness;
  let count = 0;
  before(async () => {
    const twilio = twilioEnvironment('http://127.0.0.1:9');
    service = await startHarness({ ...twilio, SMS_PROVIDERS: 'text-co,twilio' });
  });
  after(() => service.stop());

  /** A webhook of a new message, which can be sent again. */
  function webhookOf(from: string, { type, action }: Request) {
    const n = ++count;
    if (type === 'text') {
      const body = inboundBody(`sequence-${n}`, { from, body: action, timestamp: undefined });
      return () => deliver(service, body);
    }
    const fields = { MessageSid: sidOf(5_000 + n), From: from, Body: 'Hello', OptOutType: action };
    return () => sendCallback(service.url, { form: inboundForm(fields) });
  }

  async function run(steps: Step[]): Promise<void> {
    const from = `+1804558${String(++count).padStart(4, '0')}`;
    const path = `/api/suppressions/${encodeURIComponent(from)}`;
    const sent: (() => Promise<{ status: number }>)[] = [];
    let reasons: string[] = [];
    for (const step of steps) {
      if (step.type === 'put') await service.request('PUT', path, { scope: 'channel', reason: 'manual' });
      else if (step.type === 'delete') await service.request('DELETE', `${path}?scope=channel`);
      else if (step.type === 'redeliver') await sent[step.index % Math.max(sent.length, 1)]?.();
      else {
        const webhook = webhookOf(from, step);
        sent.push(webhook);
        expect((await webhook()).status).to.equal(200);
      }
      reasons = reasonsAfter(reasons, step);
      const [entry] = await entriesOf(service, from);
      expect(entry?.reasons ?? []).to.deep.equal(reasons);
    }
  }

  it('has the reasons that follow from any sequence of requests, redeliveries and changes by the API', async () => {
    const request: fc.Arbitrary<Request> = fc.record({
      type: fc.constantFrom('text' as const, 'report' as const),
      action: fc.constantFrom('STOP' as const, 'START' as const, 'HELP' as const),
    });
    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 4, arbitrary: request },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('redeliver' as const), index: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.constantFrom<Step>({ type: 'put' }, { type: 'delete' }) },
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), run), {
      ...{ numRuns: RUNS, endOnFailure: true },
    });
  }).timeout(60_000 + RUNS * 2_000);
});

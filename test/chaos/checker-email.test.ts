import { expect } from 'chai';
import { check, toTable } from './checker/check.ts';
import { type Evidence, type StoredMessage, tokenIn } from './checker/evidence.ts';
import { runWorkload, violatedRules } from './recorded-run.ts';

const TWICE = 'the provider accepts no message twice';
const RECIPIENTS = 'recipients have the statuses that the provider reported';
const UNKNOWN = 'a message is unknown only for a reason';
/** A message with several recipients, of whom the mail server refuses one for now and one for good. */
const GROUP = '3-0';

describe('The checker of chaos runs with email', function () {
  this.timeout(60_000);
  const recorded: Partial<Record<'smtp' | 'sendgrid', Evidence>> = {};
  before(async () => {
    const smtp = [
      { recipient: 'customer-2', type: 'smtp', phase: 'end', cut: true, accepted: true, times: 2 },
      { recipient: 'customer-4', type: 'smtp', phase: 'data', cut: true, times: 2 },
    ];
    const http = [
      { recipient: 'customer-2', type: 'lost_response', times: 2 },
      // Not accepted, and no event can tell.
      { recipient: 'customer-4', type: 'reset', times: 2 },
    ];
    for (const [mode, faults] of Object.entries({ smtp, sendgrid: http }) as [
      'smtp' | 'sendgrid',
      object[],
    ][])
      recorded[mode] = await runWorkload(
        { email: mode },
        {},
        faults.map((fault) => ({ channel: 'email', ...fault })),
        { receipts: { early_rate: 0.5 } },
        2_000,
      );
  });

  /** The evidence of the mode, changed. */
  const changed = (mode: 'smtp' | 'sendgrid', change: (evidence: Evidence) => void) => {
    const evidence = structuredClone(recorded[mode]) as Evidence;
    evidence.events.push({ at: 0, kind: 'all others settled', detail: '' });
    change(evidence);
    return evidence;
  };
  const expectViolated = (evidence: Evidence, rules: string[]) =>
    expect(violatedRules(evidence), toTable(check(evidence))).to.deep.equal(rules);
  const acceptedAs = (token: string, { accepted }: Evidence) =>
    accepted.filter(({ request }) => tokenIn(request.body) === token);
  const storedAs = (token: string, { stored }: Evidence) =>
    stored.messages.find(({ body }) => tokenIn(body) === token) as StoredMessage;

  it('finds no violations in a run in which a mail server accepts emails in parts, or loses its replies', () => {
    const evidence = changed('smtp', () => undefined);
    expectViolated(evidence, []);
    expect(acceptedAs(GROUP, evidence).map(({ recipients }) => recipients)).to.deep.equal([
      ['customer-3@example.com'],
      ['greylist@p3.example.org'],
    ]);
    expect(check(evidence).unknown).to.have.length(2);
  });

  it('finds no violations in a run in which events of SendGrid reconcile lost responses', () => {
    expectViolated(
      changed('sendgrid', () => undefined),
      [],
    );
  });

  it('finds a second email to one recipient of several', () => {
    const evidence = changed('smtp', (own) => {
      acceptedAs(GROUP, own)[1]?.recipients?.push('customer-3@example.com');
    });
    expectViolated(evidence, [TWICE]);
  });

  it('finds a recipient whose status is not that of the provider', () => {
    const smtp = changed('smtp', ({ stored }) => {
      const row = stored.recipients.find(({ address }) => address.startsWith('reject@'));
      if (row) row.status = 'sent';
    });
    expectViolated(smtp, [RECIPIENTS]);
    const sendgrid = changed('sendgrid', ({ stored }) => {
      const row = stored.recipients.find(({ address }) => address.startsWith('bounce@'));
      if (row) row.status = 'delivered';
    });
    expectViolated(sendgrid, [RECIPIENTS]);
  });

  it('finds an unknown email whose transactions all had a reply', () => {
    const evidence = changed('smtp', (own) => {
      for (const call of own.calls) Object.assign(call, { status: 250 });
    });
    expectViolated(evidence, [UNKNOWN]);
  });

  it('finds an inbound email that is missing, stored twice, or of unknown origin', () => {
    const email = { token: 'inbound-0', from: 'customer-0@example.com', to: 'shop@example.com' };
    const cases: [emails: number, stored: number, rule: string][] = [
      [1, 0, 'an acknowledged inbound email is stored once'],
      [1, 2, 'an acknowledged inbound email is stored once'],
      [0, 1, 'every stored inbound message was passed on by a mail server'],
    ];
    for (const [emails, copies, rule] of cases) {
      const evidence = changed('smtp', (own) => {
        const { conversation_id } = storedAs('1-0', own);
        const message = { direction: 'inbound', from: email.from, to: [email.to], conversation_id };
        const stored = { ...storedAs('1-0', own), ...message, body: '[chaos:inbound-0]', status: 'received' };
        own.stored.messages.push(...Array.from({ length: copies }, () => stored));
        own.inbound.push(...Array.from({ length: emails }, () => ({ ...email, acknowledged: 1 })));
        const conversation = own.stored.conversations.find(({ id }) => id === conversation_id);
        if (conversation) conversation.message_count += copies;
      });
      expectViolated(evidence, [rule]);
    }
  });
});

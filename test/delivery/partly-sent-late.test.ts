import { expect } from 'chai';
import fc from 'fast-check';
import pg from 'pg';
import type { Message } from '../../sdk/src/index.ts';
import { storedFunction } from '../../src/db/functions.ts';
import type { Claimed } from '../../src/delivery/claim.ts';
import { reassignFromRemoved } from '../../src/delivery/maintenance/removed-accounts.ts';
import { createManualActions } from '../../src/delivery/manual-actions.ts';
import { createSettler } from '../../src/delivery/settle.ts';
import { nextState } from '../../src/delivery/states/transition.ts';
import { createEvents } from '../../src/observability/events.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { Provider, RefusedRecipient, SendOutcome } from '../../src/providers/provider.ts';
import { SMTP_CAPABILITIES } from '../../src/providers/smtp/capabilities.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { apply, isPossible, type PartlyModel, type Step, sequences } from './states/partly-model.ts';

const ACCOUNT = 'mail-co';
const [ADA, GRACE, MARY] = ['ada@example.net', 'grace@example.net', 'mary@example.net'];
const failure = { httpStatus: null, class: 'provider_error' as const, code: 'x', detail: 'x' };
const provider = { name: ACCOUNT, channel: 'email', capabilities: SMTP_CAPABILITIES } as Provider;
const refused = (address: string, outcome: RefusedRecipient['outcome']) => ({ ...failure, address, outcome });
const accepted = (...refusals: RefusedRecipient[]): SendOutcome => ({
  ...{ outcome: 'accepted', httpStatus: null, providerMessageId: 'm1@example.com' },
  ...(refusals.length > 0 && { refused: refusals }),
});

/** The recipient whom the account has reached stays known by the id there after a retry. */
const BOUNCED_AFTER_RETRY: Step[] = [
  { attempt: ['defers', 'accepts', 'accepts'] },
  { attempt: 'unknown' },
  { retry: true },
  { receipt: 'bounced', recipient: 2 },
];

describe('A partly sent email', () => {
  let service: Harness;
  let pool: pg.Pool;
  const events = createEvents(createLogger('silent'));
  before(async () => {
    service = await startHarness({ ROLE: 'api' });
    pool = new pg.Pool({ connectionString: service.databaseUrl });
  });
  after(async () => {
    await pool.end();
    await service.stop();
  });

  let n = 0;
  const send = async (): Promise<Message> => {
    const message = { from: `shop${++n}@example.com`, to: [ADA, GRACE, MARY], body: 'Hello' };
    const { body } = await service.request('POST', '/api/messages/email', {
      ...{ ...message, timestamp: new Date().toISOString() },
    });
    return body;
  };
  const change = (id: number, sql: string) =>
    query(service.databaseUrl, `update deliveries set ${sql} where message_id = $1`, [id]);
  /** Claims all due messages for the account; a message whose lease has ended is taken over. */
  const claim = async () => {
    const routes = ['', ACCOUNT].map((assigned_to, index) => ({
      ...{ n: index, channel: 'email', assigned_to, reassignable: assigned_to === '', provider: ACCOUNT },
      ...{
        free_slots: 100,
        retries: 100,
        first: null,
        newest_first: false,
        lease_ms: 60_000,
        large_lease_ms: 60_000,
      },
    }));
    const { rows } = await pool.query<Claimed>(
      `select * from ${storedFunction('claim_deliveries')}($1, 100, 100)`,
      [JSON.stringify(routes)],
    );
    return rows;
  };
  const settle = (message: Claimed, outcome: SendOutcome) => {
    const times = { timeoutMs: 1_000, now: new Date(), random: 0 };
    const transition = nextState({ message, outcome, provider, fallback: null, unassigned: null, ...times });
    const settler = createSettler({
      ...{
        pool,
        events,
        normaliseAddress: (address) => address,
        stopScope: 'channel',
      },
    });
    return settler({
      ...{ message, provider, startedAt: new Date(), durationMs: 1, outcome, transition, pauseMs: 0 },
      accounts: transition.status === 'queued' ? [ACCOUNT] : null,
    });
  };
  const attempt = async (outcome: SendOutcome) => {
    const [message, ...others] = await claim();
    expect(others).to.deep.equal([]);
    await settle(message as Claimed, outcome);
    return message as Claimed;
  };
  const stateOf = async (id: number) => {
    const { body } = await service.request('GET', `/api/messages/${id}`);
    const recipients = (body as Message).recipients?.map(({ status }) => status) ?? [];
    return [body.status, ...recipients];
  };

  it('is not assigned to another account when its account is removed: the recipients who remain have failed', async () => {
    const { id } = await send();
    await attempt(accepted(refused(GRACE, 'rejected'), refused(MARY, 'unavailable')));
    expect(await stateOf(id)).to.deep.equal(['queued', 'sent', 'failed', 'queued']);
    await change(id, `next_attempt_at = now() - interval '11 minutes'`);
    expect(await reassignFromRemoved(pool, ['another'], events)).to.equal(1);
    expect(await stateOf(id)).to.deep.equal(['sent', 'sent', 'failed', 'failed']);
    expect(await reassignFromRemoved(pool, ['another'], events)).to.equal(0);
    const { body } = await service.request('GET', `/api/messages/${id}`);
    expect(body.recipients[2].error).to.include({ code: 'provider_removed' });
  });

  it('has the late result of an attempt whose lease ended, without a further call', async () => {
    const results = [
      { late: accepted(refused(MARY, 'unavailable')), state: ['unknown', 'sent', 'sent', 'unknown'] },
      { late: accepted(refused(MARY, 'rejected')), state: ['sent', 'sent', 'sent', 'failed'] },
      { late: accepted(), state: ['sent', 'sent', 'sent', 'sent'] },
    ];
    for (const { late, state } of results) {
      const { id } = await send();
      const [first] = await claim();
      await change(id, 'next_attempt_at = now()');
      const [second] = await claim();
      expect(second).to.include({ attempt_count: 2, may_have_been_sent: true });
      await settle(second as Claimed, { ...failure, outcome: 'unknown' });
      expect(await stateOf(id)).to.deep.equal(['unknown', 'unknown', 'unknown', 'unknown']);
      await settle(first as Claimed, late);
      expect(await stateOf(id)).to.deep.equal(state);
    }
  });

  it('has the late result of a later attempt, for the recipients of that attempt', async () => {
    const { id } = await send();
    await attempt(accepted(refused(MARY, 'unavailable')));
    await change(id, 'next_attempt_at = now()');
    const [second] = await claim();
    expect(second).to.include({ partly_sent: true, may_have_been_sent: false });
    await change(id, 'next_attempt_at = now()');
    const [third] = await claim();
    await settle(third as Claimed, { ...failure, outcome: 'unknown' });
    expect(await stateOf(id)).to.deep.equal(['unknown', 'sent', 'sent', 'unknown']);
    await settle(second as Claimed, accepted());
    expect(await stateOf(id)).to.deep.equal(['sent', 'sent', 'sent', 'sent']);
  });

  it('waits again after throttled and unavailable, and fails for the rest after rejected', async () => {
    const { id } = await send();
    await attempt(accepted(refused(ADA, 'unavailable'), refused(GRACE, 'rejected')));
    for (const outcome of ['throttled', 'unavailable'] as const) {
      await change(id, 'next_attempt_at = now()');
      await attempt({ ...failure, outcome, retryAfterMs: null, isOperatorError: false } as SendOutcome);
      expect(await stateOf(id)).to.deep.equal(['queued', 'queued', 'failed', 'sent']);
    }
    await query(service.databaseUrl, `update rate_limit_slots set next_at = now() - interval '1 minute'`);
    await change(id, 'next_attempt_at = now()');
    await attempt({ ...failure, outcome: 'rejected' });
    expect(await stateOf(id)).to.deep.equal(['sent', 'failed', 'failed', 'sent']);
    const { body } = await service.request('GET', `/api/messages/${id}`);
    expect([body.error, body.next_attempt_at]).to.deep.equal([null, null]);
  });

  it('of which the other recipients were bounced is undelivered at the end, with the first error', async () => {
    const { id } = await send();
    await attempt(accepted(refused(MARY, 'unavailable')));
    const receipts = [ADA, GRACE].map((recipient, index) => ({
      ...{ n: index, provider: ACCOUNT, provider_message_id: 'm1@example.com', recipient, status: 'bounced' },
      ...{ message_id: null, delivery_key: null, dedupe_key: `${id}-${index}`, bounce: 'soft' },
      ...{ error: { code: 'full', detail: null }, occurred_at: new Date(), payload: {} },
    }));
    await change(id, `provider_message_id = 'bounced-${id}'`);
    const own = receipts.map((receipt) => ({ ...receipt, provider_message_id: `bounced-${id}` }));
    await pool.query(`select ${storedFunction('store_receipts')}($1)`, [JSON.stringify(own)]);
    expect(await stateOf(id)).to.deep.equal(['queued', 'undelivered', 'undelivered', 'queued']);
    await change(id, 'next_attempt_at = now()');
    await attempt({ ...failure, outcome: 'rejected' });
    expect(await stateOf(id)).to.deep.equal(['undelivered', 'undelivered', 'undelivered', 'failed']);
    const { body } = await service.request('GET', `/api/messages/${id}`);
    expect(body.error).to.include({ code: 'full' });
  });

  it('has the states of the model after random sequences of attempts, retries and receipts', async () => {
    const TO = [ADA, GRACE, MARY] as string[];
    let receipts = 0;
    const outcomeOf = (
      step: Extract<Step, { attempt: unknown }>,
      own: PartlyModel['own'],
      id: number,
    ): SendOutcome => {
      const { attempt: answers } = step;
      if (typeof answers === 'string')
        return { ...failure, outcome: answers, retryAfterMs: null, isOperatorError: false } as SendOutcome;
      const refusals = TO.flatMap((address, n) =>
        own[n] !== null || answers[n] === 'accepts'
          ? []
          : [refused(address, answers[n] === 'refuses' ? 'rejected' : 'unavailable')],
      );
      return { ...accepted(...refusals), providerMessageId: `m-${id}` } as SendOutcome;
    };
    const cause = async (id: number, step: Step, model: PartlyModel) => {
      if ('retry' in step) {
        const request = { key: undefined, actor: null };
        await createManualActions(pool, () => undefined).apply('retry', id, request);
      } else if ('receipt' in step) {
        const receipt = {
          ...{ n: 0, provider: ACCOUNT, provider_message_id: `m-${id}`, recipient: TO[step.recipient] },
          ...{ status: step.receipt, message_id: null, delivery_key: null, dedupe_key: `r-${++receipts}` },
          ...{ bounce: 'soft', error: null, occurred_at: new Date(), payload: {} },
        };
        await pool.query(`select ${storedFunction('store_receipts')}($1)`, [JSON.stringify([receipt])]);
      } else {
        await query(service.databaseUrl, `update rate_limit_slots set next_at = now() - interval '1 minute'`);
        await change(id, 'next_attempt_at = now()');
        await attempt(outcomeOf(step, model.own, id));
      }
    };
    await fc.assert(
      fc.asyncProperty(sequences(TO.length), async (steps) => {
        const { id } = await send();
        const model: PartlyModel = { state: 'queued', own: TO.map(() => null), hasId: false };
        for (const step of steps) {
          if (!isPossible(model, step)) continue;
          await cause(id, step, model);
          apply(model, step);
          const expected = [model.state, ...model.own.map((own) => own ?? model.state)];
          expect(await stateOf(id), JSON.stringify(step)).to.deep.equal(expected);
        }
        await change(id, `status = 'canceled', next_attempt_at = null`);
      }),
      {
        ...{ numRuns: Number(process.env.MODEL_RUNS ?? 12), endOnFailure: true },
        examples: [[BOUNCED_AFTER_RETRY]],
      },
    );
  });

  it('adds a recipient who has opted out at the provider to the ledger, and no other recipient', async () => {
    const { id } = await send();
    const optedOut = { ...refused(GRACE, 'rejected'), class: 'opted_out' as const };
    await attempt(accepted(optedOut));
    expect(await stateOf(id)).to.deep.equal(['sent', 'sent', 'failed', 'sent']);
    const entries = await query(service.databaseUrl, 'select address, reasons from suppressions');
    expect(entries).to.deep.equal([{ address: GRACE, reasons: ['provider_opt_out'] }]);
  });
});

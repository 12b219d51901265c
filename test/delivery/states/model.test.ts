import fc from 'fast-check';
import { type Harness, startHarness } from '../../support/harness.ts';
import { createCommands } from './commands.ts';
import {
  addressesOf,
  attempt,
  BEHAVIOURS,
  type Behaviour,
  type Channel,
  type Model,
  PROBES,
  type Real,
} from './model.ts';

/** More runs find rarer sequences: MODEL_RUNS=500 make watch FILE=test/delivery/states/model.test.ts */
const RUNS = Number(process.env.MODEL_RUNS ?? 10);

describe('A message in a running service', () => {
  let service: Harness;
  let commands: ReturnType<typeof createCommands>;
  before(async () => {
    service = await startHarness({ TEXT_CO_IDEMPOTENCY_KEYS: 'false', TEXT_CO_CAN_LOOK_UP: 'false' });
    commands = createCommands(service);
  });
  after(() => service.stop());

  let runs = 0;
  const start = async (
    channel: Channel,
    size: number,
    behaviour: Behaviour,
    isScheduled: boolean,
  ): Promise<{ model: Model; real: Real }> => {
    const n = ++runs * 10;
    const to = addressesOf(channel, n, size);
    await commands.behave({ channel, to }, behaviour);
    const { body } = await service.request('POST', '/api/messages/send', {
      ...{ from: PROBES[channel].from, to, body: 'Hello' },
      ...(isScheduled && { send_at: '2999-01-01T00:00:00Z' }),
    });
    const model: Model = {
      channel,
      state: isScheduled ? 'scheduled' : 'queued',
      recipients: null,
      behaviour,
    };
    if (!isScheduled) attempt(model);
    const real = { id: body.id, channel, to, ids: [] };
    await commands.agree(model, real);
    return { model, real };
  };

  it('has the state of the table after random sequences of events', async () => {
    // With keys, a retry would return the first message with its receipts, although the account is configured without keys.
    const settings = { receipts: { enabled: false }, honour_idempotency_keys: false };
    await service.control('PUT', '/_control/settings', settings);
    const { cancel, due, recover, expire, retry, receipt } = commands;
    const behaviour = fc.constantFrom(...BEHAVIOURS);
    const words = fc.constantFrom(
      'sent',
      'delivered',
      'undelivered',
      'failed',
      'deferred',
      'read',
      'bounced',
    );
    const receipts = fc
      .record({ status: words, recipient: fc.integer({ min: -1, max: 3 }), first: fc.boolean() })
      .map(({ status, recipient, first }) => receipt(status, recipient, first));
    const others = [fc.constantFrom(cancel, due, recover, expire), behaviour.map(retry)];
    const sequences = fc.commands([receipts, receipts, receipts, ...others], { maxCommands: 12 });
    const first = fc.tuple(
      fc.constantFrom<Channel>('sms', 'email'),
      fc.constantFrom(1, 3),
      behaviour,
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(first, sequences, async (given, sequence) => {
        const { model, real } = await start(...given);
        await fc.asyncModelRun(() => ({ model, real }), sequence);
        await service.control('PUT', '/_control/faults', []);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  }).timeout(120_000 + RUNS * 2_000);
});

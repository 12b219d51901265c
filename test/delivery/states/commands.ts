import { expect } from 'chai';
import type { Message } from '../../../sdk/src/index.ts';
import { TRANSITIONS } from '../../../src/delivery/states/table.ts';
import { query } from '../../support/database.ts';
import type { Harness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';
import {
  attempt,
  type Behaviour,
  type Channel,
  type Command,
  FAULTS,
  type Model,
  move,
  PROBES,
  type Real,
  report,
} from './model.ts';

/** The events of a message in a running service, each with the comparison of the model and the message after it. */
export function createCommands(service: Harness) {
  const change = (sql: string, { id }: Real) =>
    query(service.databaseUrl, `update deliveries set ${sql} where message_id = $1`, [id]);
  /** Failed attempts open the breaker of the account, which the success of another message closes. */
  const closeBreaker = async (channel: Channel) => {
    const { body } = await service.request('POST', '/api/messages/send', {
      ...PROBES[channel],
      body: 'Hello',
    });
    await service.untilStatus(body.id, 'sent');
  };
  const behave = async ({ channel, to }: Pick<Real, 'channel' | 'to'>, behaviour: Behaviour) => {
    await closeBreaker(channel);
    const faults = FAULTS[behaviour].map((fault) => ({ ...fault, channel, recipient: to[0] }));
    await service.control('PUT', '/_control/faults', faults);
  };

  /** Waits until the message has the state of the model; a message that waits for a retry has the error of its attempt. */
  const agree = async (model: Model, real: Real) => {
    const message = await until(async () => {
      const { body } = await service.request('GET', `/api/messages/${real.id}`);
      const waits = model.state === 'queued' && body.error === null;
      return body.status === model.state && !waits && (body as Message);
    }, `message ${real.id} is ${model.state}`);
    const expected = model.recipients ?? real.to.map(() => model.state);
    const actual = message.recipients?.map(({ status }) => status) ?? [message.status];
    expect(actual).to.deep.equal(expected);
    const sends = await service.accepted();
    real.ids = sends.filter(({ request }) => [request.to].flat()[0] === real.to[0]).map(({ id }) => id);
  };

  const command = (
    name: string,
    check: (model: Model) => boolean,
    cause: (model: Model, real: Real) => Promise<unknown>,
  ): Command => ({
    check,
    run: async (model, real) => {
      await cause(model, real);
      await agree(model, real);
    },
    toString: () => name,
  });

  const act = async (action: 'cancel' | 'retry', { id }: Real, isAllowed: boolean) => {
    const { status } = await service.request('POST', `/api/messages/${id}/${action}`);
    expect(status < 300, `${action}: ${status}`).to.equal(isAllowed);
  };
  const cancel = command(
    'cancel',
    () => true,
    async (model, real) => {
      const before = model.state;
      move(model, 'cancel');
      await act('cancel', real, model.state === 'canceled' || model.state !== before);
    },
  );
  const retry = (behaviour: Behaviour) =>
    command(
      `retry, and the provider ${behaviour}`,
      () => true,
      async (model, real) => {
        const isAllowed = TRANSITIONS[model.state].retry !== model.state;
        if (isAllowed) {
          await behave(real, behaviour);
          Object.assign(model, { behaviour, recipients: null });
          attempt(model, 'retry');
        }
        await act('retry', real, isAllowed);
      },
    );
  const due = command(
    'the message is due',
    ({ state }) => state === 'scheduled',
    async (model, real) => {
      attempt(model, 'due');
      await change('next_attempt_at = now()', real);
    },
  );
  const recover = command(
    'the provider recovers',
    ({ state }) => state === 'queued',
    async (model, real) => {
      await behave(real, 'accepts');
      model.behaviour = 'accepts';
      attempt(model);
      await change('next_attempt_at = now()', real);
    },
  );
  const expire = command(
    'the message expires',
    ({ state }) => state === 'queued',
    async (model, real) => {
      move(model, 'expired');
      await change('expires_at = now()', real);
    },
  );
  /** `recipient`: a position in the list of recipients, -1 for all recipients, or any other number for a stranger. */
  const receipt = (status: string, recipient: number, ofFirstSend: boolean) =>
    command(
      `a receipt ${status} of ${recipient}${ofFirstSend ? ' of the first send' : ''}`,
      () => true,
      async (model, real) => {
        const { body } = await service.request('GET', `/api/messages/${real.id}`);
        const known: string | null = body.provider_message_id;
        const id = ofFirstSend ? real.ids[0] : (known ?? real.ids.at(-1));
        const stranger = real.channel === 'sms' ? '+12015550199' : 'stranger@example.com';
        if (id === known) report(model, real.to.length, status, recipient);
        const name = real.channel === 'sms' ? 'messaging_provider_id' : 'xillio_id';
        const answer = await service.request('POST', `/api/webhooks/${real.channel}/status`, {
          [name]: id ?? 'unknown',
          ...{ status, recipient: recipient === -1 ? null : (real.to[recipient] ?? stranger) },
        });
        expect(answer.status).to.equal(200);
      },
    );

  return { behave, agree, cancel, retry, due, recover, expire, receipt };
}

import { expect } from 'chai';
import { inboundSms, sms } from '../support/bodies.ts';
import { createMigratedDatabase } from '../support/database.ts';
import { dump, rowsWith } from '../support/dump.ts';
import type { Answer } from '../support/harness.ts';
import { addManyMessages } from '../support/many-messages.ts';
import { freePort, type Running, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

const MESSAGES = 100_000;
const MARK = 'old-text';
const PERSON = '+18045557777';

/** Times in milliseconds between the kills, which end at different steps. */
const KILL_AFTER_MS = [300, 700, 1_100, 1_600, 2_300, 3_100];

describe('The erasure of a person with 100,000 messages', function () {
  this.timeout(900_000);
  let databaseUrl: string;
  let running: Running | undefined;
  let environment: Record<string, string>;

  beforeEach(async () => {
    databaseUrl = await createMigratedDatabase();
    environment = {
      ...{
        DATABASE_URL: databaseUrl,
        PORT: String(await freePort()),
        SIMULATOR_PORT: String(await freePort()),
      },
      ...{
        CONSENT_KEY: 'a-consent-key-for-tests-0123456789',
        SECRET_KEYS: 'a-secret-key-for-tests-0123456789',
      },
    };
    running = await startProcess(environment);
  });
  afterEach(async () => {
    await running?.signal('SIGTERM');
    running = undefined;
  });

  const call = async (method: string, path: string, body?: object): Promise<Omit<Answer, 'headers'>> => {
    const response = await fetch(`${(running as Running).url}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: response.status, body: await response.json() };
  };
  const fill = async (): Promise<{ id: number; conversation: number; count: number }> => {
    const { body: first } = await call('POST', '/api/messages/sms', { ...sms, to: PERSON, body: MARK });
    await until(
      async () => (await call('GET', `/api/messages/${first.id}`)).body.status === 'delivered',
      'delivered',
    );
    await addManyMessages(databaseUrl, {
      ...{ person: PERSON, ours: sms.from, mark: MARK },
      messages: MESSAGES - 1_000,
      conversations: 1_000,
    });
    const { body } = await call('GET', `/api/participants?address=${encodeURIComponent(PERSON)}`);
    const { body: conversation } = await call('GET', `/api/conversations/${first.conversation_id}`);
    await call('PUT', `/api/suppressions/${encodeURIComponent('+18045558888')}`, {
      scope: 'all',
      reason: 'manual',
    });
    return { id: body.data[0].id, conversation: first.conversation_id, count: conversation.message_count };
  };
  const untilCompleted = (id: number) =>
    until(
      async () => {
        const { body } = await call('GET', `/api/erasures/${id}`).catch(() => ({ body: null }));
        return body?.state === 'completed' && body;
      },
      'the erasure is completed',
      600_000,
    );

  it('leaves nothing, while writes and reads of the person get no server error', async () => {
    const { id, conversation, count } = await fill();
    const { status, body: erasure } = await call('DELETE', `/api/participants/${id}`);
    expect(status).to.be.oneOf([200, 202]);
    const statuses = new Set<number>();
    let isCompleted = false;
    const completed = untilCompleted(erasure.id).finally(() => {
      isCompleted = true;
    });
    let n = 0;
    const load = async () => {
      while (!isCompleted) {
        const answers = await Promise.all([
          call('POST', '/api/messages/sms', { ...sms, to: PERSON, body: 'new-text' }),
          call('POST', '/api/webhooks/sms', {
            ...inboundSms,
            from: PERSON,
            messaging_provider_id: `new-${++n}`,
            body: 'new-text',
          }),
          call('GET', `/api/conversations/${conversation}/messages`),
          call('GET', `/api/messages?conversation_id=${conversation}&limit=5`),
          call('GET', `/api/participants/${id}`),
        ]);
        for (const each of answers) statuses.add(each.status);
      }
    };
    await Promise.all([load(), load(), load(), load()]);
    const { counts } = await completed;
    expect([...statuses].sort()).to.deep.equal([200, 202]);
    expect(counts.messages).to.equal(MESSAGES + 1);
    const dumped = await dump(databaseUrl);
    expect(rowsWith(dumped, MARK)).to.deep.equal([]);
    expect((await call('GET', `/api/conversations/${conversation}`)).body.message_count).to.equal(count);
  });

  it('continues after its process is killed at any step, and returns the same receipt', async () => {
    const { id } = await fill();
    const { body: erasure } = await call('DELETE', `/api/participants/${id}`).catch(() => ({ body: null }));
    for (const ms of KILL_AFTER_MS) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      await (running as Running).signal('SIGKILL');
      running = await startProcess(environment);
    }
    const receipt = await untilCompleted(erasure.id);
    expect((await call('DELETE', `/api/participants/${id}`)).body).to.deep.equal(receipt);
    expect(receipt.counts.messages).to.equal(MESSAGES + 1);
    const dumped = await dump(databaseUrl);
    for (const text of [MARK, PERSON]) expect(rowsWith(dumped, text)).to.deep.equal([]);
  });
});

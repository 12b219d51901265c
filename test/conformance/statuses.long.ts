import { expect } from 'chai';
import fc from 'fast-check';
import { request as send } from 'undici';
import { query } from '../support/database.ts';
import { check } from './check.ts';
import { type Operation, operations } from './contract.ts';
import { type Answer, type Credentials, perform, type Request, requestOf } from './request.ts';
import { addEndpoints, knownFor, startLimited, startOwner, startWorld, TAKEN, type World } from './world.ts';

const NOTHING = '9007199254740991';
/** A body above the limit for emails, which is the highest limit. */
const TOO_LARGE = JSON.stringify({ type: 'sms', body: 'x'.repeat(10_500_000) });

interface Provocation {
  /** The service that gets the request. */
  of?: World;
  change?: Partial<Request>;
  credentials?: Credentials;
  /** Called before the request. */
  prepare?: () => Promise<unknown>;
  /** Concurrent copies of the request; one of the responses must have the status. */
  times?: number;
}

describe('Every status of the contract', function () {
  this.timeout(120_000);
  let world: World;
  let cutOff: World;
  let limited: World;
  let owner: World;
  let seed = 20_260_102;
  before(async () => {
    [world, cutOff] = await Promise.all([startWorld(), startWorld()]);
    limited = await startLimited(world);
    owner = await startOwner(world);
    await cutFromDatabase(cutOff);
  });
  after(() => Promise.all([world, cutOff, limited, owner].map((each) => each?.stop())));

  /** The change that makes a valid request cause each status. */
  const provocations: Record<string, (operation: Operation) => Provocation> = {
    // The second of two requests finds the entry of the first.
    200: ({ id }) => ({
      times: id === 'putSuppression' ? 2 : 1,
      ...(id === 'getMediaContent' && { change: { headers: {} } }),
    }),
    201: ({ id }) => (id === 'putSuppression' ? { change: { params: { address: '+18045554000' } } } : {}),
    // A worker has messages of the participant, so that the erasure waits.
    202: ({ id }) =>
      id === 'eraseParticipant'
        ? { prepare: claimScheduled, change: { params: { id: `${world.ids.waiting}` } } }
        : {},
    204: () => ({}),
    206: () => ({ change: { headers: { range: 'bytes=0-1' } } }),
    304: () => ({ change: { headers: { 'if-none-match': '*' } } }),
    400: () => ({ change: { text: '{"from": ' } }),
    401: ({ optional }) => ({
      credentials: 'none',
      ...(optional && { change: { query: [['verbose', 'true']] } }),
    }),
    403: ({ optional }) => ({
      credentials: 'unscoped',
      ...(optional && { change: { query: [['verbose', 'true']] } }),
    }),
    404: ({ id, path, parameters }) =>
      id === 'deleteSuppression'
        ? { change: { params: { address: '+18045554001' } } }
        : path.includes('{')
          ? { change: { params: Object.fromEntries(parameters.map(({ name }) => [name, NOTHING])) } }
          : { change: { query: [['conversation_id', NOTHING]] } },
    409: ({ id }) =>
      id === 'createEndpoint'
        ? { prepare: () => addEndpoints(world.databaseUrl, 1_000) }
        : {
            ...(id === 'eraseParticipant' && { of: owner }),
            change: {
              params: conflicting(id),
              ...(id === 'updateConversation' && { body: { external_id: TAKEN } }),
            },
          },
    410: ({ id }) => ({
      change: id === 'replayEndpoint' ? { body: { after: 1 } } : { query: [['after', '1']] },
    }),
    413: () => ({ change: { text: TOO_LARGE } }),
    415: () => ({ change: { text: 'text', contentType: 'text/plain' } }),
    416: () => ({ change: { headers: { range: 'bytes=1000-' } } }),
    422: ({ id, security }) => {
      if (security === 'webhookSignature') return { change: { body: {} } };
      return { change: { query: [id === 'getReadiness' ? ['verbose', 'perhaps'] : ['unknown', '1']] } };
    },
    429: () => ({ of: limited, times: 60 }),
    431: () => ({ change: { headers: { filler: 'x'.repeat(20_000) } } }),
    503: () => ({ of: cutOff }),
  };

  const claimScheduled = () =>
    query(
      world.databaseUrl,
      `update deliveries set status = 'sending', next_attempt_at = 'infinity' where message_id = any($1)`,
      [world.ids.scheduled],
    );

  const conflicting = (id: string): Record<string, string> => {
    const [participant] = world.ids.linkedPairs[0] ?? [];
    if (id === 'linkParticipants') return { id: `${participant}`, other_id: `${participant}` };
    if (id === 'eraseParticipant') return { id: `${world.ids.ours}` };
    if (id === 'updateParticipant') return { id: `${world.ids.erased}` };
    if (id === 'updateConversation') return { id: `${world.ids.conversations.at(-1)}` };
    if (id.endsWith('QuarantinedWebhook')) return { id: `${world.ids.inProgress}` };
    return { id: `${/^(retry|redact)Message$/.test(id) ? world.ids.scheduled[0] : world.ids.delivered}` };
  };

  const provoke = async (operation: Operation, status: string): Promise<Answer> => {
    const provocation = provocations[status];
    if (!provocation) throw new Error(`No request here causes a ${status}: ${operation.id}`);
    const { of = world, prepare, change, credentials, times = 1 } = provocation(operation);
    await prepare?.();
    const [request] = fc.sample(requestOf(operation, knownFor(operation, of.ids)), {
      seed: ++seed,
      numRuns: 1,
    });
    const whole = { ...(request as Request), ...change };
    const asked = Array.from({ length: times }, () => perform(of.url, operation, whole, credentials));
    const answers = await Promise.all(asked);
    return answers.find((answer) => `${answer.status}` === status) ?? (answers[0] as Answer);
  };

  for (const operation of operations)
    it(`is returned by ${operation.id}: ${Object.keys(operation.responses).join(', ')}`, async () => {
      for (const status of Object.keys(operation.responses)) {
        const answer = await provoke(operation, status);
        expect(`${answer.status}`, answer.text).to.equal(status);
        check(operation, answer, status);
      }
    });

  it('is 405 with the allowed methods for every other method of a path', async () => {
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
    for (const path of new Set(operations.map((operation) => operation.path))) {
      const own = operations.filter((operation) => operation.path === path).map(({ method }) => method);
      for (const method of methods.filter((each) => !own.includes(each))) {
        const url = world.url + path.replace(/\{\w+\}/g, '1');
        const { statusCode, headers, body } = await send(url, { method });
        const problem = (await body.json()) as { code: string };
        expect([statusCode, problem.code], `${method} ${path}`).to.deep.equal([405, 'method_not_allowed']);
        const allowed = own.includes('GET') ? [...own, 'HEAD'] : own;
        expect(String(headers.allow).split(', ').sort(), path).to.deep.equal(allowed.sort());
      }
    }
  });
});

async function cutFromDatabase({ databaseUrl }: World): Promise<void> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const admin = Object.assign(new URL(databaseUrl), { pathname: '/postgres' }).href;
  await query(admin, `alter database ${name} with allow_connections false`);
  await query(admin, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
}

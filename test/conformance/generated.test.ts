import { expect } from 'chai';
import fc from 'fast-check';
import { exchange } from '../support/raw.ts';
import { arbitraryOf } from './arbitrary.ts';
import { type Breakage, breakagesOf } from './broken.ts';
import { check } from './check.ts';
import { faultsBy, type Operation, operations } from './contract.ts';
import { extremesOf } from './extreme.ts';
import { type Credentials, perform, type Request, requestOf } from './request.ts';
import { knownFor, startWorld, type World } from './world.ts';

const seed = 20_260_101;
/** More runs find rarer requests: `make soak`. */
const RUNS = Number(process.env.CONFORMANCE_RUNS ?? 3);
/** Of the extreme inputs of an operation, one of this number is sent, each to some operations; `make soak` sends all. */
const EXTREMES = process.env.CONFORMANCE_RUNS === undefined ? 6 : 1;
const MAX_ERRORS = 32;
const MAX_PROBLEM_LENGTH = 20_000;

describe('Every operation of the contract', function () {
  this.timeout(300_000);
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world?.stop());

  const ask = async (operation: Operation, request: Request, credentials?: Credentials) => {
    const answer = await perform(world.url, operation, request, credentials);
    check(operation, answer, request);
    expect(answer.status, answer.text).to.be.below(500);
    return answer;
  };
  const acceptable = (operation: Operation) => requestOf(operation, knownFor(operation, world.ids));
  let sampled = 0;
  // Each call has its own seed, so that no idempotency key is used twice.
  const samples = (operation: Operation, numRuns: number) =>
    fc.sample(acceptable(operation), { seed: seed + ++sampled, numRuns });

  it('gives only responses that the contract describes to requests that are valid by its schemas', async () => {
    for (const operation of operations) {
      const property = fc.asyncProperty(
        requestOf(operation, {}),
        async (request) => void (await ask(operation, request)),
      );
      await fc.assert(property, { seed, numRuns: RUNS });
    }
  });

  it('accepts valid requests with ids and addresses that exist', async () => {
    for (const operation of operations) {
      const answers = [];
      for (const request of samples(operation, RUNS)) answers.push(await ask(operation, request));
      const refused = answers.filter(({ status }) => status >= 300);
      const most = operation.id.match(/unlink|retry/) ? RUNS - 1 : RUNS / 3;
      expect(refused.length, `${operation.id}: ${refused[0]?.text}`).to.be.at.most(most);
    }
  });

  /** Sends a request with each of these errors, and expects a short response that names the path of the error. */
  const refuse = async (breakagesOf: (operation: Operation) => Breakage[]) => {
    let broken = 0;
    for (const operation of operations) {
      const breakages = breakagesOf(operation);
      const bases = samples(operation, breakages.length);
      const known = knownFor(operation, world.ids);
      for (const [index, { title, where, statuses, branch, apply }] of breakages.entries()) {
        const base = bases[index] as Request;
        if (branch) base.body = fc.sample(arbitraryOf(branch, known), { seed: seed + index, numRuns: 1 })[0];
        const { status, text } = await ask(operation, apply(base));
        broken++;
        const of = `${operation.id}, ${title}: ${status} ${text.slice(0, 1_000)}`;
        expect(statuses, of).to.include(status);
        expect(text.length, of).to.be.below(MAX_PROBLEM_LENGTH);
        if (where === null || status !== 422) continue;
        const paths: string[] = JSON.parse(text).errors.map(({ path }: { path: string }) => path);
        expect(paths.length, of).to.be.within(1, MAX_ERRORS);
        expect(
          paths.some((path) => path.startsWith(where)),
          of,
        ).to.equal(true);
      }
    }
    return broken;
  };

  it('refuses a request with one error, and names the path of the error', async () => {
    const broken = await refuse((operation) => breakagesOf(operation, knownFor(operation, world.ids)));
    expect(broken).to.be.above(300);
  });

  it('refuses inputs of extreme size or form, and names their path in a short response', async () => {
    let count = 0;
    const some = (operation: Operation) => {
      count++;
      return extremesOf(operation).filter((_, index) => (index + count) % EXTREMES === 0);
    };
    expect(await refuse(some)).to.be.above(600 / EXTREMES);
    expect((await world.request('GET', '/readyz')).status).to.equal(200);
  });

  it('requires the same credentials if the request target has a fragment', async () => {
    for (const { id, method, path, security, optional } of operations)
      for (const fragment of ['#', '#?provider=nope', '#/../healthz', '?#']) {
        const target = path.replace(/\{\w+\}/g, '1') + fragment;
        const { status } = await exchange(world.url, method, target, {});
        if (security && !optional) expect(status, `${id} ${fragment}`).to.equal(401);
        else expect(status, `${id} ${fragment}`).to.be.oneOf([200, 404]);
      }
  });

  it('requires credentials only if the contract requires them', async () => {
    for (const operation of operations)
      for (const credentials of ['none', 'wrong'] as const) {
        const [request] = samples(operation, 1) as [Request];
        const { status } = await ask(operation, request, credentials);
        if (operation.optional) expect(status, operation.id).to.be.oneOf([200, 401]);
        else if (operation.security) expect(status, operation.id).to.equal(401);
        else expect(status, operation.id).not.to.equal(401);
      }
  });

  it('accepts every example of a request in the contract', async () => {
    for (const operation of operations) {
      for (const { value } of Object.values(operation.body?.examples ?? {})) {
        const [request] = samples(operation, 1) as [Request];
        const { status, text } = await ask(operation, { ...request, query: [], headers: {}, body: value });
        expect(status, `${operation.id}: ${text}`).to.be.below(300);
      }
      const examples = operation.parameters.filter(
        ({ in: place, example }) => place === 'query' && example !== undefined,
      );
      const [request] = samples(operation, 1) as [Request];
      const query = examples.flatMap(({ name, example }) =>
        [example].flat().map((item): [string, string] => [name, String(item)]),
      );
      if (query.length === 0) continue;
      const { status, text } = await ask(operation, { ...request, query });
      expect(status, `${operation.id}: ${text}`).to.equal(200);
    }
  });
});

describe('Every example of the contract', () => {
  it('is valid by the schema that it belongs to', () => {
    let count = 0;
    for (const { id, parameters, body, responses } of operations) {
      const media = [body, ...Object.values(responses).flatMap(({ content = {} }) => Object.values(content))];
      for (const { schema, examples = {} } of media.filter((each) => each !== null))
        for (const [name, { value }] of Object.entries(examples)) {
          expect(faultsBy(schema, value), `${id}, ${name}`).to.equal(null);
          count++;
        }
      for (const { name, schema, example } of parameters)
        if (example !== undefined) expect(faultsBy(schema, example), `${id}, ${name}`).to.equal(null);
    }
    expect(count).to.be.above(operations.length);
  });
});

import { expect } from 'chai';
import {
  ApiError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  createClient,
  InvalidRequestError,
  MessagingError,
  NotFoundError,
  RateLimitError,
  UnavailableError,
} from '../../sdk/src/index.ts';
import { sms } from '../support/bodies.ts';
import { type Harness, startHarness } from '../support/harness.ts';
import { startProxy } from '../support/proxy.ts';
import { problemBody, rejection } from './support.ts';

describe('The errors of the SDK', () => {
  let service: Harness;
  const connect = (apiKey?: string, baseUrl = service.url) =>
    createClient({ baseUrl, apiKey, maxRetries: 0 });
  const client = () => connect('correct-horse-battery');
  before(async () => {
    service = await startHarness({ API_KEYS: 'first:correct-horse-battery' });
  });
  after(() => service.stop());

  it('a missing or wrong key is an AuthenticationError', async () => {
    for (const key of [undefined, 'wrong-horse-battery']) {
      const error = await rejection(connect(key).messages.send(sms));
      expect(error).to.be.instanceOf(AuthenticationError);
      expect(error).to.include({ status: 401, code: 'unauthorized', name: 'AuthenticationError' });
    }
    expect((await client().messages.send(sms)).status).to.equal('queued');
  });

  it('an unknown id is a NotFoundError with the detail of the service', async () => {
    for (const call of [client().messages.get(42_000), client().conversations.messages(42_000)]) {
      const error = (await rejection(call)) as NotFoundError;
      expect(error).to.be.instanceOf(NotFoundError).and.instanceOf(ApiError).and.instanceOf(MessagingError);
      expect(error).to.include({ status: 404, code: 'not_found', name: 'NotFoundError' });
      expect(error.message).to.equal(error.detail).and.match(/42000/);
      expect(error.requestId).to.match(/^[0-9a-f-]{36}$/);
    }
  });

  it('an invalid request is an InvalidRequestError with each validation error', async () => {
    const error = await rejection(client().messages.send({ ...sms, from: 'a@x.org', body: '' }));
    expect(error).to.be.instanceOf(InvalidRequestError);
    const { code, status, errors } = error as InvalidRequestError;
    expect([code, status]).to.deep.equal(['invalid_request', 422]);
    expect(errors.map(({ path }) => path)).to.include.members(['/body/from', '/body/body']);
    expect(errors.every(({ message }) => message.length > 0)).to.equal(true);
  });

  it('the message of an error has the first validation error and the number of further errors', async () => {
    const one = (await rejection(client().messages.send({ ...sms, from: 'not an address' }))) as ApiError;
    expect(one.errors).to.have.length(1);
    expect(one.message).to.equal(`${one.detail} /body/from ${one.errors[0]?.message}`);
    const two = (await rejection(client().messages.list({ limit: 0, since: 'soon' }))) as ApiError;
    expect(two.errors).to.have.length(2);
    const [first] = two.errors;
    expect(two.message).to.equal(`${two.detail} ${first?.path} ${first?.message} (and 1 more)`);
  });

  it('a reused Idempotency-Key is an InvalidRequestError with its own code', async () => {
    const options = { idempotencyKey: 'used' };
    await client().messages.send(sms, options);
    const error = await rejection(client().messages.send({ ...sms, body: 'Another' }, options));
    expect(error).to.be.instanceOf(InvalidRequestError);
    expect(error).to.deep.include({ code: 'idempotency_key_reused', status: 422, errors: [] });
  });

  it('a body that is too large is an InvalidRequestError', async () => {
    const error = await rejection(client().messages.send({ ...sms, body: 'a'.repeat(2 ** 20) }));
    expect(error).to.be.instanceOf(InvalidRequestError);
  });

  it('an impossible link is a ConflictError', async () => {
    const { conversation_id } = await client().messages.send(sms);
    const { participants } = await client().conversations.get(conversation_id);
    const [one, two] = participants.map(({ id }) => id);
    const error = await rejection(client().participants.link(one ?? 0, two ?? 0));
    expect(error).to.be.instanceOf(ConflictError);
    expect(error).to.include({ status: 409, code: 'participants_share_conversation' });
  });

  it('a problem document is an error of the class of its status', async () => {
    const proxy = await startProxy(service.url);
    const answers = [
      [429, RateLimitError],
      [500, UnavailableError],
      [502, UnavailableError],
      [403, AuthenticationError],
      [418, ApiError],
    ] as const;
    for (const [status, Expected] of answers) {
      const headers = { 'retry-after': '7', 'content-type': 'application/problem+json' };
      proxy.faults.push({ type: 'status', status, headers, body: problemBody(status) });
      const error = await rejection(connect(undefined, proxy.url).messages.get(1));
      expect(error).to.be.instanceOf(Expected).and.have.property('constructor', Expected);
      expect(error).to.deep.include({
        status,
        code: 'internal',
        retryAfter: 7,
        requestId: 'request-1',
        errors: [],
      });
      expect((error as Error).message).to.equal('Sorry.');
    }
    await proxy.stop();
  });

  it('a response without a problem document is a ConnectionError with the status, at any status', async () => {
    const proxy = await startProxy(service.url);
    const bodies = ['<h1>Sorry</h1>', '', '{"code": 42, "detail": ["No such route"]}'];
    for (const status of [403, 404, 409, 418, 422, 429, 500, 502])
      for (const body of bodies) {
        proxy.faults.push({ type: 'status', status, body });
        const error = await rejection(connect(undefined, proxy.url).messages.get(1));
        expect(error).to.be.instanceOf(ConnectionError).and.not.instanceOf(ApiError);
        expect(error).to.include({
          code: 'unexpected_response',
          message: `The response (status ${status}) is not from the service.`,
        });
      }
    await proxy.stop();
  });

  it('the raw client returns the problem document and does not throw', async () => {
    const { data, error, response } = await client().raw.GET('/api/messages/{id}', {
      params: { path: { id: 42_000 } },
    });
    expect(data).to.equal(undefined);
    expect(error?.code).to.equal('not_found');
    expect(response.status).to.equal(404);
  });
});

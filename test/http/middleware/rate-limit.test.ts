import { expect } from 'chai';
import { createClient } from '../../../sdk/src/index.ts';
import { inboundSms } from '../../support/bodies.ts';
import { type Answer, type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const [first, second] = ['first-long-enough-key', 'second-long-enough-key'];

describe('A service with a rate limit', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({
      API_KEYS: `first:${first},second:${second}`,
      RATE_LIMIT_PER_SECOND: '2',
    });
  });
  after(() => service.stop());

  const ask = (key: string, path = '/api/conversations') =>
    service.request('GET', path, undefined, { authorization: `Bearer ${key}` });
  const refused = () =>
    until(async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask(first)));
      return answers.find(({ status }) => status === 429);
    }, 'a request over the limit is refused');
  const limitOf = ({ headers }: Answer) => [headers.get('ratelimit-policy'), headers.get('ratelimit')];

  describe('200', () => {
    it('returns the number of remaining requests', async () => {
      const [policy, remaining] = limitOf(
        await until(async () => {
          const answer = await ask(second);
          return answer.status === 200 && answer;
        }, 'a request within the limit is accepted'),
      );
      expect(policy).to.match(/^"per-key"; q=2; w=1; pk=:[\w+/=]+:$/);
      expect(remaining).to.match(/^"per-key"; r=[01]; t=1$/);
    });

    it('has a separate limit for each key', async () => {
      await until(async () => {
        const [one, other] = [await refused(), await ask(second)];
        return one && other.status === 200;
      }, 'the first key is over its limit, and the second key is not');
    });

    it('serves a client that waits for the Retry-After', async () => {
      await refused();
      const client = createClient({ baseUrl: service.url, apiKey: first });
      for (let times = 0; times < 5; times++) await client.conversations.list();
    });

    it('does not limit operations without a key', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => service.request('POST', '/api/webhooks/sms', inboundSms)),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(10).fill(200));
      expect(answers.map(limitOf)).to.deep.equal(Array(10).fill([null, null]));
      const health = await Promise.all(Array.from({ length: 10 }, () => service.request('GET', '/healthz')));
      expect(health.map(({ status }) => status)).to.deep.equal(Array(10).fill(200));
    });
  });

  describe('401', () => {
    it('does not count a request with a wrong key, and returns no limit to it', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask('wrong-long-enough-key')));
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(10).fill(401));
      expect(answers.map(limitOf)).to.deep.equal(Array(10).fill([null, null]));
    });
  });

  describe('429', () => {
    it('refuses a request over the limit with Retry-After', async () => {
      const answer = await refused();
      expect(answer.headers.get('content-type')).to.contain('application/problem+json');
      expect(answer.headers.get('retry-after')).to.equal('1');
      expect(limitOf(answer)[1]).to.equal('"per-key"; r=0; t=1');
      const { request_id, ...problem } = answer.body;
      expect(problem).to.deep.equal({
        type: 'about:blank',
        title: 'Too Many Requests',
        status: 429,
        detail: 'Rate limit exceeded: 2 requests per second.',
        code: 'too_many_requests',
      });
      expect(request_id).to.equal(answer.headers.get('x-request-id'));
    });

    it('does not read the body of a request over the limit', async () => {
      await until(async () => {
        await refused();
        const { status } = await service.request('POST', '/api/messages/sms', '{', {
          authorization: `Bearer ${first}`,
        });
        return status === 429;
      }, 'malformed JSON gets 429 instead of 400');
    });
  });
});

describe('A service without a rate limit', () => {
  it('returns no rate limit headers', async () => {
    const service = await startHarness();
    const { status, headers } = await service.request('GET', '/api/conversations');
    await service.stop();
    expect(status).to.equal(200);
    expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).to.deep.equal([null, null]);
  });
});

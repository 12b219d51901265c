import { randomUUID } from 'node:crypto';
import { type Answer, NoAnswerError, pause, type WebhookClient } from '../../../webhook-client.ts';
import { signForm } from './signature.ts';

/** The kinds of failures after which Twilio can repeat a webhook: no connection, no answer, and the status. */
type FailureKind = 'ct' | 'rt' | '4xx' | '5xx';

/**
 * The settings of one webhook, which its URL has in the fragment, such as `#rc=2&rp=5xx,ct`.
 * Source: https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
 */
interface Overrides {
  connectTimeoutMs: number;
  timeoutMs: number;
  /** For all tries together. */
  totalTimeoutMs: number;
  retries: number;
  retriesAfter: string[];
}

const RETRY_DELAY_MS = 100;

/** Posts signed forms to the service. */
export class TwilioWebhooks {
  readonly #client: WebhookClient;
  readonly #authToken: string;

  constructor(client: WebhookClient, authToken: string) {
    this.#client = client;
    this.#authToken = authToken;
  }

  /**
   * Posts a form to a URL, and repeats it as the fragment of the URL says; by default once, after a failed connection.
   *
   * @param options.token the idempotency token, the same in every delivery of the form.
   * @param options.problemOf why a response with a 2xx status is a failure; null for a success.
   * @throws {NoAnswerError} there is no response.
   */
  async post(
    url: string,
    form: URLSearchParams,
    {
      token = randomUUID(),
      problemOf,
    }: { token?: string; problemOf?: (answer: Answer) => string | null } = {},
  ): Promise<Answer> {
    const [target = '', fragment = ''] = url.split('#', 2);
    const overrides = overridesOf(fragment);
    const request = {
      dialect: 'twilio',
      body: form.toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        'user-agent': 'TwilioProxy/1.1',
        'i-twilio-idempotency-token': token,
        'x-twilio-signature': signForm(this.#authToken, target, form),
      },
      connectTimeoutMs: overrides.connectTimeoutMs,
      ...(problemOf && { problemOf }),
    } as const;
    const deadline = performance.now() + overrides.totalTimeoutMs;
    for (let retries = overrides.retries; ; retries--) {
      const timeoutMs = Math.max(1, Math.min(overrides.timeoutMs, deadline - performance.now()));
      const result = await this.#client
        .post(target, { ...request, timeoutMs })
        .catch((error: NoAnswerError) => error);
      const failure = failureOf(result);
      const mayRetry = failure !== null && overrides.retriesAfter.includes(failure);
      if (mayRetry && retries > 0 && performance.now() + RETRY_DELAY_MS < deadline)
        await pause(RETRY_DELAY_MS);
      else if (result instanceof NoAnswerError) throw result;
      else return result;
    }
  }
}

function overridesOf(fragment: string): Overrides {
  const given = new URLSearchParams(fragment);
  const number = (name: string, fallback: number, minimum: number, maximum: number) => {
    const value = Number(given.get(name) ?? fallback);
    return Math.min(maximum, Math.max(minimum, Number.isFinite(value) ? value : fallback));
  };
  const policy = (given.get('rp') ?? 'ct').split(',');
  return {
    connectTimeoutMs: number('ct', 5_000, 100, 10_000),
    timeoutMs: number('rt', 15_000, 100, 15_000),
    totalTimeoutMs: number('tt', 15_000, 100, 15_000),
    retries: number('rc', 1, 0, 5),
    retriesAfter: policy.includes('all') ? ['ct', 'rt', '4xx', '5xx'] : policy,
  };
}

function failureOf(result: Answer | NoAnswerError): FailureKind | null {
  if (result instanceof NoAnswerError) return result.connected ? 'rt' : 'ct';
  if (result.status >= 500) return '5xx';
  return result.status >= 400 ? '4xx' : null;
}

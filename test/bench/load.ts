import autocannon from 'autocannon';
import { sign } from '../../src/simulator/signature.ts';
import { webhookSecret } from './service.ts';

export interface Measured {
  /** Answers with 2xx. */
  answered: number;
  failed: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

export interface Load {
  url: string;
  connections: number;
  seconds: number;
  apiKey?: string;
  /** The body of the next request. */
  next: () => Record<string, unknown>;
}

/** Asks as fast as `connections` allow; each request is signed as a provider's would be. */
export async function load({ url, connections, seconds, apiKey, next }: Load): Promise<Measured> {
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    method: 'POST',
    requests: [
      {
        setupRequest: (request) => {
          const body = JSON.stringify(next());
          const signature = sign(webhookSecret, 'evt_bench', Math.floor(Date.now() / 1_000), body);
          const authorization = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
          return {
            ...request,
            body,
            headers: { 'content-type': 'application/json', ...authorization, ...signature },
          };
        },
      },
    ],
  });
  const answered = result['2xx'];
  return {
    answered,
    failed: result.non2xx + result.errors,
    perSecond: Math.round(answered / result.duration),
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}

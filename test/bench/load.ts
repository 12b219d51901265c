import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';

export interface Request {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Measured {
  /** The number of 2xx responses. */
  answered: number;
  failed: number;
  perSecond: number;
  /** Percentiles of the duration in milliseconds. */
  p50: number;
  p99: number;
}

/** Sends the requests over `connections` connections; each connection sends its next request after a response. */
export async function load(url: string, connections: number, requests: Request[]): Promise<Measured> {
  const clock = stopwatch();
  let next = 0;
  let failed = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new Client(url);
      for (let request = requests[next++]; request; request = requests[next++]) {
        const began = performance.now();
        const status = await send(client, request);
        if (status >= 200 && status < 300) clock.add(performance.now() - began);
        else failed++;
      }
      await client.close();
    }),
  );
  return { ...clock.measured(performance.now() - started), failed };
}

/**
 * Sends the requests at a fixed rate over at most `connections` connections. A duration begins when the request is due, so that a delay of
 * the service counts for all requests that wait.
 */
export async function paced(
  url: string,
  connections: number,
  perSecond: number,
  requests: Request[],
): Promise<Measured> {
  const clock = stopwatch();
  let next = 0;
  let failed = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new Client(url);
      while (next < requests.length) {
        const due = started + (next * 1_000) / perSecond;
        const request = requests[next++] as Request;
        const early = due - performance.now();
        if (early > 0) await sleep(early);
        const status = await send(client, request);
        if (status >= 200 && status < 300) clock.add(performance.now() - due);
        else failed++;
      }
      await client.close();
    }),
  );
  return { ...clock.measured(performance.now() - started), failed };
}

/** The status of the response, or 0 without a response. The body is read and dropped. */
function send(client: Client, request: Request): Promise<number> {
  return new Promise((resolve) => {
    let status = 0;
    client.dispatch(request, {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, statusCode) => {
        status = statusCode;
      },
      onResponseData: () => undefined,
      onResponseEnd: () => resolve(status),
      onResponseError: () => resolve(0),
    });
  });
}

/** Collects durations in milliseconds. */
export function stopwatch() {
  const times: number[] = [];
  return {
    add: (ms: number) => void times.push(ms),
    measured: (elapsedMs: number): Measured => {
      times.sort((a, b) => a - b);
      const percentile = (part: number) =>
        Math.round((times[Math.floor(times.length * part)] ?? 0) * 10) / 10;
      const perSecond = Math.round((times.length / elapsedMs) * 1_000);
      return { answered: times.length, failed: 0, perSecond, p50: percentile(0.5), p99: percentile(0.99) };
    },
  };
}

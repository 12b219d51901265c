import { randomUUID } from 'node:crypto';
import type { Schema } from '../../openapi/types.ts';
import { type CountedEndpoint, presentEndpoint } from './present.ts';
import { secretsAt } from './secret.ts';
import type { EndpointSender } from './send.ts';

/** Sends a test event, which is not part of the feed, and returns the result of the only attempt. */
export async function testEndpoint(
  sender: EndpointSender,
  endpoint: CountedEndpoint,
  signal: AbortSignal,
): Promise<Schema<'EndpointTestResult'>> {
  const now = new Date();
  const event = {
    id: 0,
    type: 'endpoint.test',
    timestamp: now.toISOString(),
    data: presentEndpoint(endpoint),
  };
  const { outcome, statusCode, durationMs, error, responseBody } = await sender.send(
    {
      url: endpoint.url,
      id: `test_${randomUUID()}`,
      body: JSON.stringify(event),
      secrets: secretsAt(endpoint, now),
    },
    signal,
  );
  return { outcome, status_code: statusCode, duration_ms: durationMs, error, response_body: responseBody };
}

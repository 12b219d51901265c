import { sign } from '../standard/signature.ts';

/** The headers of one delivery of a webhook: those of Standard Webhooks with the names of Svix. */
export function svixHeaders(
  secret: string,
  id: string,
  timestamp: number,
  body: string,
): Record<string, string> {
  const headers = Object.entries(sign(secret, id, timestamp, body));
  return Object.fromEntries(headers.map(([name, value]) => [name.replace('webhook-', 'svix-'), value]));
}

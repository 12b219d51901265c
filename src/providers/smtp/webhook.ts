import { isIP } from 'node:net';
import type { Provider } from '../provider.ts';

/** A mail server sends no webhooks: replies and bounces are emails, which arrive at `/api/webhooks/mime`. */
export const smtpWebhooks: Pick<Provider, 'webhookProcessing' | 'verify' | 'parse' | 'respond'> = {
  webhookProcessing: 'direct',
  verify: async () => 'absent',
  parse: async () => null,
  respond: () => ({ status: 200, contentType: 'text/plain', body: '' }),
};

/** The host of the service as the name for EHLO (RFC 5321, section 4.1.1.1): a name, or an address literal. Null without a public URL. */
export function nameOf(webhookUrl: string | null): string | null {
  if (webhookUrl === null) return null;
  const host = new URL(webhookUrl).hostname;
  if (isIP(host) === 4) return `[${host}]`;
  return host.startsWith('[') ? `[IPv6:${host.slice(1, -1)}]` : host;
}

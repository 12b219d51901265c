import type { ProviderConfig } from '../../config/config.ts';
import type { Provider } from '../provider.ts';
import { createProviderClient } from './client.ts';

/** Email over the standard API: `POST /email/messages`; look-up by `GET /email/messages?idempotency_key=…`. */
export function createEmailProvider(config: ProviderConfig, timeoutMs: number): Provider {
  const client = createProviderClient(config, timeoutMs);
  return {
    name: config.name,
    channel: 'email',
    supportsIdempotencyKeys: config.supportsIdempotencyKeys,
    canReconcile: config.supportsIdempotencyKeys || config.canLookUp,
    perSecond: config.perSecond,
    perSecondPerSender: config.perSecondPerSender,
    send: ({ delivery_key, from, to, cc, bcc, reply_to, subject, body, attachments, timestamp }, options) =>
      client.post('email/messages', delivery_key, options, {
        from,
        to: to.length === 1 ? to[0] : to,
        ...(cc && { cc }),
        ...(bcc && { bcc }),
        ...(reply_to !== null && { reply_to }),
        ...(subject !== null && { subject }),
        body,
        attachments,
        timestamp,
      }),
    lookUp: (deliveryKey, options) => client.find('email/messages', deliveryKey, options),
  };
}

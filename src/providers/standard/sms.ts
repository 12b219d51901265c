import type { ProviderConfig } from '../../config/config.ts';
import type { Provider } from '../provider.ts';
import { createProviderClient } from './client.ts';

/** SMS and MMS over the standard API: `POST /sms/messages`; look-up by `GET /sms/messages?idempotency_key=…`. */
export function createSmsProvider(config: ProviderConfig, timeoutMs: number): Provider {
  const client = createProviderClient(config, timeoutMs);
  return {
    name: config.name,
    channel: 'sms',
    supportsIdempotencyKeys: config.supportsIdempotencyKeys,
    canReconcile: config.supportsIdempotencyKeys || config.canLookUp,
    perSecond: config.perSecond,
    perSecondPerSender: config.perSecondPerSender,
    send: ({ delivery_key, from, to, type, body, attachments, timestamp }, options) =>
      client.post('sms/messages', delivery_key, options, {
        from,
        to: to.length === 1 ? to[0] : to,
        type,
        body,
        attachments,
        timestamp,
      }),
    lookUp: (deliveryKey, options) => client.find('sms/messages', deliveryKey, options),
  };
}

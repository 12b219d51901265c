import { randomUUID } from 'node:crypto';
import express, { Router } from 'express';
import type { Dialect } from '../../dialect.ts';
import { logCalls } from '../../middleware/log-calls.ts';
import { validate } from '../../middleware/validate.ts';
import type { Simulation } from '../../simulation.ts';
import { providerApi, requireKey } from './api.ts';
import { inboundEmail } from './email.ts';
import { inboundSms } from './sms.ts';
import { createWebhookSender, webhookUrl } from './webhooks.ts';

export interface StandardOptions {
  /** The bearer key that requests must have; without a key, none is required. */
  apiKey: string | undefined;
  /** `whsec_…`; without a secret, webhooks are not signed. */
  webhookSecret: string | undefined;
}

/** The JSON API of the service's `standard` kind, with one provider for each channel. */
export function createStandardDialect(
  simulation: Simulation,
  { apiKey, webhookSecret }: StandardOptions,
): Dialect {
  const sender = createWebhookSender(webhookSecret, simulation.webhooks);
  const routes = Router();
  for (const channel of ['sms', 'email'] as const)
    routes.use(
      `/${channel}`,
      logCalls('standard', channel, simulation),
      requireKey(apiKey),
      express.json({ limit: '12mb' }),
      validate,
      providerApi(channel, simulation, sender),
    );
  return {
    routes,
    inbound: (channel, fields, files) => {
      const urls = files.map(({ id }) => `${simulation.url}/${channel}/media/${id}`);
      const given = urls.length > 0 ? { attachments: urls, ...fields } : fields;
      const event = channel === 'sms' ? inboundSms(given) : inboundEmail(given);
      return sender.post(webhookUrl(simulation.settings, channel), `evt_${randomUUID()}`, event);
    },
    reset: () => undefined,
  };
}

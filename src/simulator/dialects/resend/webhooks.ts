import { webhookUrlOf } from '../../settings.ts';
import type { Simulation } from '../../simulation.ts';
import type { Answer } from '../../webhook-client.ts';
import { svixHeaders } from './signature.ts';

/**
 * Posts an event once, signed as Svix does.
 *
 * @param secret `whsec_…`; without a secret, the event is not signed.
 * @param id the same in each delivery.
 */
export function postEvent(
  simulation: Simulation,
  secret: string | undefined,
  event: object,
  id: string,
): Promise<Answer> {
  const { unknown_fields } = simulation.settings.resend;
  const body = JSON.stringify({ ...event, ...(unknown_fields && { future: { field: [1] } }) });
  const signature = secret ? svixHeaders(secret, id, Math.floor(Date.now() / 1_000), body) : {};
  const headers = { 'content-type': 'application/json', 'user-agent': 'Svix-Webhooks/1.24.0', ...signature };
  return simulation.webhooks.post(webhookUrlOf(simulation, 'resend'), { dialect: 'resend', headers, body });
}

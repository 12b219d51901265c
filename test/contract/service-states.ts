import { sign } from '../../src/simulator/signature.ts';
import { email, inboundEmail, inboundSms, sms } from '../helpers/bodies.ts';
import { query } from '../helpers/database.ts';
import { type Harness, webhookSecret } from '../helpers/harness.ts';
import { until } from '../helpers/until.ts';
import type { State, States } from './verify.ts';

/** How a running service comes to be as the contracts presume: by its own API where that can, else by its database. */
export function serviceStates(harness: Harness): States {
  const state = (setUp: State['setUp']): State => ({ setUp, cleanUp: () => empty(harness.databaseUrl) });
  return {
    'an inbound message was taken': state(async ({ channel, provider_message_id }) => {
      const body =
        channel === 'sms'
          ? { ...inboundSms, messaging_provider_id: provider_message_id }
          : { ...inboundEmail, xillio_id: provider_message_id };
      const { id } = await receive(harness, `/api/webhooks/${channel}`, body);
      return { id };
    }),
    'a message was handed to the provider': state(async ({ channel, provider_message_id }) => {
      const { id } = await send(harness, channel === 'sms' ? 'sms' : 'email');
      // The simulator draws its ids; the contract names one.
      const values = [id, provider_message_id];
      await query(harness.databaseUrl, 'update messages set provider_message_id = $2 where id = $1', values);
      return { id };
    }),
  };
}

interface Stored {
  id: number;
  conversation_id: number;
}

async function receive(harness: Harness, path: string, event: object): Promise<Stored> {
  const body = JSON.stringify(event);
  const headers = sign(webhookSecret, 'evt_state', Math.floor(Date.now() / 1_000), body);
  return answered(await harness.request('POST', path, body, headers));
}

/** Resolves when the provider has the message. */
async function send(harness: Harness, channel: 'sms' | 'email'): Promise<Stored> {
  const body = channel === 'sms' ? sms : email;
  const message = answered(await harness.request('POST', `/api/messages/${channel}`, body));
  await harness.untilStatus(message.id, 'sent');
  return message;
}

function answered({ status, body }: { status: number; body: unknown }): Stored {
  if (status >= 300) throw new Error(`The service answered ${status} ${JSON.stringify(body)}`);
  return body as Stored;
}

/** Participants and conversations stay: a service remembers them for ever. */
async function empty(databaseUrl: string): Promise<void> {
  const pending = "select from messages where status in ('queued', 'sending')";
  await until(async () => (await query(databaseUrl, pending)).length === 0, 'nothing is being delivered');
  await query(
    databaseUrl,
    'delete from delivery_receipts; delete from delivery_attempts; delete from messages; update conversations set message_count = 0',
  );
}

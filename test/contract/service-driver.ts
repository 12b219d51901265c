import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { query } from '../support/database.ts';
import { type Harness, webhookSecret } from '../support/harness.ts';
import { until } from '../support/until.ts';

interface Stored {
  id: number;
  conversation_id: number;
  provider_message_id: string | null;
  status: string;
}

/** Brings a service somewhere by its own API; whatever it refuses is an error. */
export function serviceDriver({ request, databaseUrl }: Harness, apiKey: string | undefined) {
  const authorization: Record<string, string> = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
  async function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await request(method, path, body, { ...authorization, ...headers });
    if (answer.status >= 300) {
      throw new Error(`The service answered ${answer.status} to ${path}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  }
  const send = (channel: 'sms' | 'email', body: object, headers = {}) =>
    call<Stored>('POST', `/api/messages/${channel}`, body, headers);
  const reached = (id: number, status: string) =>
    until(async () => {
      const message = await call<Stored>('GET', `/api/messages/${id}`);
      return message.status === status && message;
    }, `message ${id} is ${status}`);
  const participant = async (address: string) => {
    const path = `/api/participants?address=${encodeURIComponent(address)}`;
    const { data } = await call<{ data: { id: number }[] }>('GET', path);
    if (!data[0]) throw new Error(`There is no participant ${address}`);
    return data[0].id;
  };
  return {
    call,
    send,
    participant,
    /** By a webhook, as `sms` or `sms/status`. */
    receive: (path: string, event: object) => {
      const body = JSON.stringify(event);
      const headers = sign(webhookSecret, 'evt_state', Math.floor(Date.now() / 1_000), body);
      return call<Stored>('POST', `/api/webhooks/${path}`, body, headers);
    },
    until: reached,
    /** Resolves when the provider has the message. */
    handOver: async (channel: 'sms' | 'email', body: object) => {
      const { id } = await send(channel, body);
      return reached(id, 'sent');
    },
    unlinkAll: async () => {
      const open = 'select participant_id, other_id from participant_links where unlinked_at is null';
      for (const { participant_id, other_id } of await query(databaseUrl, open)) {
        await call('DELETE', `/api/participants/${participant_id}/links/${other_id}`);
      }
    },
  };
}

export type ServiceDriver = ReturnType<typeof serviceDriver>;

import { storedFunction } from '../../../src/db/functions.ts';
import type { Schema } from '../../../src/openapi/types.ts';
import { email, sms } from '../../support/bodies.ts';
import { query } from '../../support/database.ts';
import type { Harness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';
import { deliver } from '../../support/webhooks.ts';
import { serviceDriver } from '../service-driver.ts';
import { TYPES } from './messages.ts';

type Event = Schema<'Event'>;

const REFUSED = '+12010000009';

/** The settings of a service whose messages can end as `unknown`. */
export const ENVIRONMENT = { TEXT_CO_IDEMPOTENCY_KEYS: 'false', TEXT_CO_CAN_LOOK_UP: 'false' };

/** An endpoint is disabled by itself after 5 days. */
const APPEND = `
  select ${storedFunction('append_events')}(array['endpoint.disabled'], array[$1::bigint], array[null::bigint])`;

const CHANGE = `select ${storedFunction('change_suppressions')}($1)`;

/** Causes an event of each type and resolves with the first event of each, rendered as the service sends it. */
export async function renderedEvents(service: Harness): Promise<Map<Event['type'], Event>> {
  const { client, control, request } = service;
  const driver = serviceDriver(service, undefined);
  const found = new Map<Event['type'], Event>();
  let position = 0;
  const collect = (...types: Event['type'][]) =>
    until(async () => {
      const { body } = await request('GET', `/api/events?after=${position}`);
      for (const event of body.data as Event[]) if (!found.has(event.type)) found.set(event.type, event);
      position = body.position;
      return types.every((type) => found.has(type));
    }, `events ${types}`);
  const send = (last: number) => client.messages.send({ ...sms, to: numberOf(last), type: 'sms' });
  const setFaults = (...faults: object[]) => control('PUT', '/_control/faults', faults);

  const first = await send(1);
  await driver.until(first.id, 'delivered');
  await control('POST', '/_control/inbound', {
    ...{ channel: 'sms', from: numberOf(1), to: sms.from, body: 'Hi there' },
  });
  await control('POST', '/_control/inbound', {
    ...{ channel: 'sms', from: '+18045550100', to: sms.from, body: 'A picture' },
    attachments: ['http://127.0.0.1:9/picture.png'],
  });
  await collect('conversation.created', 'message.delivered', 'message.received', 'message.media_settled');

  await control('PUT', '/_control/settings', { receipts: { enabled: false } });
  const lost = await driver.handOver('sms', { ...sms, to: numberOf(2) });
  const report = { code: '30003', detail: 'The recipient cannot be reached' };
  const receipt = { messaging_provider_id: lost.provider_message_id, status: 'undelivered', error: report };
  await driver.receive('sms/status', receipt);
  await driver.send('sms', { ...sms, to: REFUSED });
  const scheduled = await client.messages.send({
    ...{ ...sms, to: numberOf(2), type: 'sms', send_at: '2099-01-01T00:00:00Z' },
  });
  await client.messages.cancel(scheduled.id);
  await setFaults({ channel: 'sms', type: 'lost_response', times: 1 });
  await send(3);
  await collect('message.undelivered', 'message.failed', 'message.canceled', 'message.unknown');

  const [one, other] = [await driver.participant(numberOf(2)), await driver.participant(numberOf(3))];
  await driver.call('PUT', `/api/participants/${one}/links/${other}`);
  await collect('participant.linked', 'conversation.merged');
  await driver.call('DELETE', `/api/participants/${one}/links/${other}`);
  await deliver(service, '{"event": "poked"}');
  await collect('participant.unlinked', 'quarantine.added');
  await driver.call('DELETE', `/api/participants/${one}`);
  await collect('participant.erased');

  const endpoint = await driver.call<{ id: number }>('POST', '/api/endpoints', {
    ...{ url: 'https://example.com/events', enabled: false },
  });
  await query(service.databaseUrl, APPEND, [endpoint.id]);

  const entry = { address: numberOf(9), address_hash: '00'.repeat(32), channel: 'sms', scope: 'all' };
  const changes = [
    { ...entry, n: 1, change: 'add', reasons: ['manual'] },
    { ...entry, n: 2, change: 'remove' },
  ];
  await query(service.databaseUrl, CHANGE, [JSON.stringify(changes)]);
  // After the first change of the ledger, because a complaint changes it too.
  const mail = await driver.handOver('email', email);
  for (const status of ['bounced', 'complained', 'unsubscribed', 'opened', 'clicked'])
    await driver.receive('email/status', {
      ...{ xillio_id: mail.provider_message_id, status, bounce: 'hard', error: report },
    });

  await setFaults({ channel: 'sms', type: 'status', status: 503 });
  for (let last = 4; last < 10; last++) await send(last);
  await collect('provider.unavailable');
  await setFaults();
  await collect(...TYPES);
  return found;
}

function numberOf(last: number): string {
  return `+1804555000${last}`;
}

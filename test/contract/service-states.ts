import { email, inboundEmail, inboundSms, sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import type { Harness } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { type ServiceDriver, serviceDriver } from './service-driver.ts';
import type { State, States } from './verify.ts';

/**
 * How a running service comes to be as the contracts presume: by its own API where that can, else by its database.
 *
 * @param apiKey where the service asks for one.
 */
export function serviceStates(harness: Harness, apiKey?: string): States {
  const driver = serviceDriver(harness, apiKey);
  const state = (setUp: State['setUp']) => emptyState(harness, setUp);
  const linkable = (setUp: State['setUp']): State => ({
    setUp,
    cleanUp: async () => {
      await driver.unlinkAll();
      await empty(harness.databaseUrl);
    },
  });
  const channelOf = ({ channel }: Record<string, string>) => (channel === 'email' ? 'email' : 'sms');
  return {
    'an inbound message was recorded': state(async (given) => {
      const provider_message_id = given.provider_message_id ?? '';
      const { id } = await (channelOf(given) === 'sms'
        ? driver.receive('sms', { ...inboundSms, messaging_provider_id: provider_message_id })
        : driver.receive('email', { ...inboundEmail, xillio_id: provider_message_id }));
      return { id };
    }),
    'a message was accepted by the provider': state(async (given) => {
      const channel = channelOf(given);
      const { id } = await driver.handOver(channel, channel === 'sms' ? sms : email);
      // The simulator draws its ids; the contract names one.
      const values = [id, given.provider_message_id];
      await query(
        harness.databaseUrl,
        'update deliveries set provider_message_id = $2 where message_id = $1',
        values,
      );
      return { id };
    }),
    'a message was sent': state(async ({ idempotency_key = '' }) => {
      const { id } = await driver.send('sms', sms, { 'idempotency-key': idempotency_key });
      return { id };
    }),
    'a message was delivered': state(async () => {
      const { id, provider_message_id } = await driver.handOver('sms', sms);
      await driver.receive('sms/status', { messaging_provider_id: provider_message_id, status: 'delivered' });
      return { id };
    }),
    'a message is scheduled': state(async () => {
      const { id } = await driver.send('sms', { ...sms, send_at: '2099-01-01T00:00:00Z' });
      return { id };
    }),
    'a message failed': state(async () => {
      const { id } = await driver.send('sms', { ...sms, to: '+12010000009' });
      await driver.until(id, 'failed');
      return { id };
    }),
    'a conversation with two messages exists': state(async () => {
      const { conversation_id } = await driver.handOver('sms', sms);
      await driver.receive('sms', inboundSms);
      return { id: conversation_id };
    }),
    'two participants are not linked': linkable(() => unlinked(driver)),
    'two participants are linked': linkable(async () => {
      const { id, other_id } = await unlinked(driver);
      await driver.call('PUT', `/api/participants/${id}/links/${other_id}`);
      return { id, other_id };
    }),
    'two participants write to each other': linkable(async () => {
      await driver.handOver('sms', sms);
      return { id: await driver.participant(sms.from), other_id: await driver.participant(sms.to) };
    }),
  };
}

/** Two people who write to the same one, and not to each other. */
async function unlinked(driver: ServiceDriver) {
  const other = { ...inboundSms, from: '+18045550000', messaging_provider_id: 'message-2' };
  await driver.receive('sms', inboundSms);
  await driver.receive('sms', other);
  return { id: await driver.participant(inboundSms.from), other_id: await driver.participant(other.from) };
}

/** A state after which the service has no messages. */
export function emptyState({ databaseUrl }: Harness, setUp: State['setUp']): State {
  return { setUp, cleanUp: () => empty(databaseUrl) };
}

/** Participants and conversations stay: a service remembers them for ever. */
async function empty(databaseUrl: string): Promise<void> {
  const pending = 'select from deliveries where pending';
  await until(async () => (await query(databaseUrl, pending)).length === 0, 'nothing is being delivered');
  await query(
    databaseUrl,
    `delete from suppressions; delete from delivery_actions; delete from delivery_receipts; delete from delivery_attempts; delete from deliveries;
    delete from messages;
    update conversations set message_count = 0, external_id = null, own_metadata = '{}';
    delete from participant_links; update participants set name = null, external_id = null`,
  );
}

import { expect } from 'chai';
import type { Message } from '../../sdk/src/index.ts';
import type { Schema } from '../../src/openapi/types.ts';
import { changesOf, entriesOf } from './consent.ts';
import type { Harness } from './harness.ts';
import { until } from './until.ts';

type RecipientEvent = Schema<'RecipientEvent'>;

/** The events `recipient.*` of a message, as `type address`, in the order of the feed. */
export async function recipientEventsOf({ request }: Pick<Harness, 'request'>, id: number) {
  const types = ['bounced', 'complained', 'unsubscribed', 'opened', 'clicked'];
  const query = types.map((type) => `type=recipient.${type}`).join('&');
  const events: RecipientEvent[] = [];
  for (let after = 0, last = -1; after !== last; ) {
    last = after;
    const { body } = await request('GET', `/api/events?after=${after}&limit=200&${query}`);
    events.push(...body.data);
    after = body.position;
  }
  return events.filter(({ data }) => data.message_id === id);
}

/** How a kind of provider delivers and reports an email. The reports of an account arrive at the service by its webhook. */
export interface EmailReports {
  service: Harness;
  /** A sender of the account. */
  from: string;
  /** Reports, by the webhook of the provider, that the email to this recipient was delivered, bounced hard, or is spam. */
  report(message: Message, address: string, event: 'delivered' | 'bounced' | 'complained'): Promise<unknown>;
}

/**
 * Sends one email to three people: all get it, then the first one bounces and the second one complains. Verifies that each has
 * an outcome of their own, and that the ledger and the feed have the first two only.
 *
 * @param name makes the addresses unique in the database.
 */
export async function verifyThreeOutcomes({ service, from, report }: EmailReports, name = 'three') {
  const [bounced, complained, other] = ['bounced', 'complained', 'other'].map(
    (each) => `${name}-${each}@example.com`,
  ) as [string, string, string];
  const { body } = await service.request('POST', '/api/messages/email', {
    ...{ from, to: [bounced, complained], cc: [other], subject: 'News', body: 'Hello' },
  });
  const message = await service.untilStatus(body.id, 'sent');
  for (const address of [bounced, complained, other]) await report(message, address, 'delivered');
  await service.untilStatus(message.id, 'delivered');
  // A redelivered webhook changes nothing.
  for (let repeat = 0; repeat < 2; repeat++) {
    await report(message, bounced, 'bounced');
    await report(message, complained, 'complained');
  }
  const after = await until(async () => {
    const { body: current } = await service.request('GET', `/api/messages/${message.id}`);
    return current.status === 'undelivered' && 'marks' in current && (current as Message);
  }, 'the bounce and the complaint are applied');
  expect(after.recipients?.map(({ address, status }) => [address, status])).to.deep.equal([
    [bounced, 'undelivered'],
    [complained, 'delivered'],
    [other, 'delivered'],
  ]);
  expect(after.marks?.map(({ address, complained_at }) => [address, complained_at !== null])).to.deep.equal([
    [complained, true],
  ]);
  expect(await changesOf(service, bounced)).to.deep.equal(['added hard_bounce']);
  expect(await changesOf(service, complained)).to.deep.equal(['added complaint']);
  for (const address of [other, from]) expect(await entriesOf(service, address)).to.deep.equal([]);
  const events = await until(async () => {
    const found = await recipientEventsOf(service, message.id);
    return found.length === 2 && found;
  }, 'the events of both recipients');
  expect(events.map(({ type, data }) => [type, data.address])).to.deep.equal([
    ['recipient.bounced', bounced],
    ['recipient.complained', complained],
  ]);
}

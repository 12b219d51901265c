import fc from 'fast-check';
import { createClient } from '../../sdk/src/index.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness, webhookSecret } from '../support/harness.ts';
import { until } from '../support/until.ts';
import { inboundBody, store } from '../support/webhooks.ts';
import { arbitraryOf, type Known } from './arbitrary.ts';
import type { Operation } from './contract.ts';
import { apiKey, apiKeys, LEFT_OUT } from './request.ts';

/** A service whose database has data for every operation, and the ids of these data. */
export interface World extends Harness {
  ids: Ids;
}
interface Ids {
  messages: number[];
  delivered: number;
  scheduled: number[];
  failed: number[];
  conversations: number[];
  /** Pairs of linked participants that share no conversation. */
  linkedPairs: [number, number][];
  /** Stored webhooks that can be processed, and one that a worker processes. */
  quarantine: number[];
  inProgress: number;
  endpoints: number[];
  media: number[];
  /** Participants without messages. */
  unused: number[];
  /** A participant that is erased. */
  erased: number;
  /** The participant of our number, and that of the scheduled messages. */
  ours: number;
  waiting: number;
}

const OURS = '+12016661234';
const PHONES = ['+18045551234', '+1 (804) 555-0001', '804-555-0002', OURS, '12345'];
/** Addresses with an entry in the ledger. */
const SUPPRESSED = Array.from({ length: 120 }, (_, index) => `+1804555${3_000 + index}`);
/** Addresses for new entries, to which no message is sent. */
const BLOCKED = ['+18045554100', '+1 (804) 555-4101', 'tel:+1-804-555-4102', '54321'];
/** The external id of a conversation. */
export const TAKEN = 'taken';
/** Not in `PHONES`, because the sender of a group message cannot be a recipient. */
const GROUP_SENDER = '+12016665678';
const EMAILS = [
  'ada@example.com',
  'Ada <ada@example.com>',
  '[b@example.com](mailto:b@example.com)',
  'shop@x.org',
];

const SECURED = {
  PUBLIC_URL: 'https://messages.example.com',
  API_KEYS: apiKeys,
  TEXT_CO_WEBHOOK_SECRETS: webhookSecret,
  MAIL_CO_WEBHOOK_SECRETS: webhookSecret,
};

export async function startWorld(): Promise<World> {
  const harness = await startHarness(SECURED);
  return { ...harness, ids: await populate(harness) };
}

/** Another service on the same database, with a low rate limit. */
export function startLimited(world: World): Promise<World> {
  return startOther(world, { RATE_LIMIT_PER_SECOND: '5' });
}

/** Another service on the same database, whose account has our number as its only sender. */
export function startOwner(world: World): Promise<World> {
  return startOther(world, { TEXT_CO_SENDERS: OURS });
}

async function startOther({ databaseUrl, ids }: World, settings: Record<string, string>): Promise<World> {
  return {
    ...(await startHarness({ ...SECURED, ROLE: 'api', DATABASE_URL: databaseUrl, ...settings })),
    ids,
  };
}

/** Stores messages in every state. Every email fails at the simulated provider, so that `retryMessage` has messages to retry. */
async function populate({ url, control, databaseUrl }: Harness): Promise<Ids> {
  const { messages, conversations, participants, raw } = createClient({ baseUrl: url, apiKey });
  await control('PUT', '/_control/faults', [{ channel: 'email', type: 'status', status: 400 }]);
  // Generated ids are often small, and would erase these participants.
  await query(databaseUrl, 'alter table participants alter column id restart with 1000000');
  const times = (count: number) => Array.from({ length: count }, (_, index) => index);
  const texts = await Promise.all(
    times(10).map((index) => messages.send({ from: OURS, to: `+1804555100${index}`, body: 'Hello' })),
  );
  const later = { from: OURS, to: '+18045552000', body: 'Later', send_at: '2999-01-01T00:00:00Z' };
  const scheduled = await Promise.all(times(4).map(() => messages.send(later)));
  const emails = await Promise.all(
    times(12).map((index) => messages.send({ from: 'shop@x.org', to: `p${index}@x.org`, body: 'Hi' })),
  );
  const untilStatus = async (id: number, status: string) =>
    until(async () => (await messages.get(id)).status === status, `message ${id} is ${status}`);
  const delivered = texts[0]?.id ?? 0;
  await untilStatus(delivered, 'delivered');
  for (const { id } of emails) await untilStatus(id, 'failed');
  const found = new Map<string, number>();
  for await (const { id, address } of participants.list()) found.set(address, id);
  const idOf = (index: number) => found.get(`+1804555100${index}`) ?? 0;
  const linkedPairs = times(5).map((index): [number, number] => [idOf(index), idOf(index + 5)]);
  for (const [one, other] of linkedPairs) await participants.link(one, other);
  const known: number[] = [];
  for await (const { id } of conversations.list()) known.push(id);
  await conversations.update(known[0] ?? 0, { external_id: TAKEN });
  const quarantine: number[] = [];
  for (const index of times(120)) quarantine.push(await store(databaseUrl, inboundBody(`stored-${index}`)));
  const inProgress = await store(databaseUrl, '{}');
  const lease = `update webhook_inbox set leased = true, next_attempt_at = 'infinity' where id = $1`;
  await query(databaseUrl, lease, [inProgress]);
  for (const address of SUPPRESSED)
    await raw.PUT('/api/suppressions/{address}', { params: { path: { address } }, body: {} });
  // Generated ids are often small, and would delete these endpoints.
  await query(databaseUrl, 'alter table endpoints alter column id restart with 1000000');
  const endpoints = await addEndpoints(databaseUrl, 60);
  const media = await addMedia(url, 3);
  await expireFirstEvents(databaseUrl);
  return {
    messages: [...texts, ...scheduled].map(({ id }) => id),
    delivered,
    scheduled: scheduled.map(({ id }) => id),
    failed: emails.map(({ id }) => id),
    conversations: known,
    linkedPairs,
    quarantine,
    inProgress,
    endpoints,
    media,
    unused: await addParticipants(databaseUrl, 'null', 20),
    ours: found.get(OURS) ?? 0,
    waiting: found.get('+18045552000') ?? 0,
    erased: (await addParticipants(databaseUrl, 'now()', 1))[0] as number,
  };
}

/** Adds participants, and returns their ids. */
async function addParticipants(
  databaseUrl: string,
  erasedAt: 'null' | 'now()',
  count: number,
): Promise<number[]> {
  const rows = await query<{ id: number }>(
    databaseUrl,
    `insert into participants (address, address_type, erased_at)
     select gen_random_uuid() || '@x.org', 'email', ${erasedAt} from generate_series(1, $1::int) as n returning id`,
    [count],
  );
  return rows.map(({ id }) => Number(id));
}

/** Adds disabled endpoints, whose address is not allowed, and returns their ids. */
export async function addEndpoints(databaseUrl: string, count: number): Promise<number[]> {
  const rows = await query<{ id: number }>(
    databaseUrl,
    `insert into endpoints (url, secret, position, enabled, disabled_reason, disabled_at)
     select 'https://127.0.0.1/', $2, 0, false, 'request', now() from generate_series(1, $1::int) returning id`,
    [count, webhookSecret],
  );
  return rows.map(({ id }) => Number(id));
}

/** Uploads files that every message can have, and returns their ids. */
async function addMedia(url: string, count: number): Promise<number[]> {
  const ids = [];
  for (let n = 0; n < count; n++) {
    const response = await fetch(`${url}/api/media`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg', authorization: `Bearer ${apiKey}` },
      body: 'A picture',
    });
    ids.push(((await response.json()) as { id: number }).id);
  }
  return ids;
}

/** Position 1 is not kept any more. */
async function expireFirstEvents(databaseUrl: string): Promise<void> {
  const expire = 'delete from events where id <= 3 returning id';
  await until(async () => (await query(databaseUrl, expire)).length > 0, 'the first events');
}

/** Generators of values with which the service accepts a request of this operation. */
export function knownFor({ id, tag }: Operation, ids: Ids): Known {
  const from = <T>(values: readonly T[]) => fc.constantFrom(...values);
  const addresses = /email/i.test(id) ? EMAILS : PHONES;
  const idsOf: Record<string, number[]> = {
    Messages: ids.messages,
    Conversations: ids.conversations,
    Participants: ids.linkedPairs.flat(),
    Quarantine: ids.quarantine,
    // Some are deleted; the others exist to the end.
    Endpoints: id === 'deleteEndpoint' ? ids.endpoints.slice(0, 30) : ids.endpoints.slice(30),
    Media: ids.media,
  };
  const common: Known = {
    Address: from(addresses),
    participant: from([...PHONES, ...EMAILS]),
    address: from([...PHONES, ...EMAILS]),
    sender: from([...PHONES, ...EMAILS]),
    provider: from([/email/i.test(id) ? 'mail-co' : 'text-co']),
    'Idempotency-Key': fc.uuid(),
    conversation_id: from(ids.conversations),
    cursor: LEFT_OUT,
    'Last-Event-ID': from(['0', '100']),
    id: from(idsOf[tag] ?? [1]),
    EndpointUrl: from(['https://conformance.invalid/events']),
    MediaIds: fc.subarray(ids.media),
    expires: LEFT_OUT,
    signature: LEFT_OUT,
    Range: from(['bytes=0-1', 'bytes=-1']),
    'If-None-Match': from(['"other"']),
    SendAt: soon(0, 2),
    ExpiresAt: soon(3, 120),
    // Unique, because each conversation has an external id of its own.
    ExternalId: fc.option(fc.uuid()),
  };
  if (id === 'listConversations')
    common.participant = fc.array(from([...PHONES, ...EMAILS]), { maxLength: 3 });
  if (id === 'putSuppression')
    Object.assign(common, { address: from(BLOCKED), NewSuppression: newSuppression() });
  if (id === 'deleteSuppression')
    Object.assign(common, { address: from(SUPPRESSED), scope: from(['all']), sender: LEFT_OUT });
  if (id === 'cancelMessage') common.id = from(ids.scheduled);
  if (id === 'retryMessage') common.id = from(ids.failed);
  if (/^(erase|export)Participant$/.test(id)) common.id = from(ids.unused);
  if (id === 'redactMessage') common.id = from([ids.delivered]);
  if (id.endsWith('linkParticipants'))
    common.params = from(ids.linkedPairs).map(([id, other_id]) => ({ id, other_id }));
  return { ...common, ...messagesThatFit(common) };
}

/** Entries whose scope has a sender if it needs one. */
function newSuppression(): fc.Arbitrary<unknown> {
  const [schema, sender] = [{ $ref: '#/components/schemas/NewSuppression' }, fc.constantFrom(...PHONES)];
  return fc
    .tuple(
      arbitraryOf(schema, { Address: sender }) as fc.Arbitrary<{ scope?: string; sender?: string }>,
      sender,
    )
    .map(([{ sender: _, ...entry }, number]) =>
      entry.scope === 'sender' ? { ...entry, sender: number } : entry,
    );
}

/** Generates times between `least` and `most` hours from now. */
function soon(least: number, most: number): fc.Arbitrary<string> {
  const hours = fc.double({ min: least, max: most, noNaN: true });
  return hours.map((value) => new Date(Date.now() + value * 3_600_000).toISOString());
}

type Text = {
  type?: string;
  from: string;
  to: string | string[];
  attachments?: string[] | null;
  media_ids?: number[];
  body: string;
};

/** Parts of emails whose rules the contract states in descriptions only. */
function partsOfEmails(): Known {
  const files = [
    'https://conformance.invalid/a.pdf',
    { content: 'aGVsbG8=', filename: 'a.txt', content_id: 'a' },
  ];
  return {
    EmailHeaders: fc.constantFrom({}, { 'X-Conformance': 'yes', Importance: 'high' }),
    EmailAttachments: fc.subarray(files),
    // An email is not the only message that could have this id.
    ReplyToMessageId: LEFT_OUT,
  };
}

/** Emails with one of the combinations of `body`, `text` and `html`, and with one recipient if they have a link to unsubscribe. */
function emailsThatFit(emails: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  const combinations = fc.constantFrom(['body'], ['text'], ['html'], ['text', 'html']);
  return fc.tuple(emails as fc.Arbitrary<Record<string, unknown>>, combinations).map(([given, names]) => {
    const { body: _body, text: _text, html: _html, reply_to_message_id: _id, ...email } = given;
    const parts = Object.fromEntries(names.map((name) => [name, `<p>${name}</p>`]));
    const recipients = [email.to, email.cc ?? [], email.bcc ?? []].flat();
    return { ...email, ...parts, ...(recipients.length > 1 && { unsubscribe: false }) };
  });
}

/** Messages that also obey the rules between fields, which the contract states in descriptions only. */
function messagesThatFit(known: Known): Known {
  const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });
  const fit = (text: Text): Text => {
    const files = [...(text.attachments ?? []), ...(text.media_ids ?? [])];
    const isMms = files.length > 0 || Array.isArray(text.to);
    const from = Array.isArray(text.to) ? GROUP_SENDER : text.from;
    const { type, ...rest } = { ...text, from, body: text.body.trim() === '' ? 'Hello' : text.body };
    return type === undefined ? rest : { ...rest, type: isMms ? 'mms' : 'sms' };
  };
  const phones = { ...known, Address: fc.constantFrom(...PHONES) };
  const emails = { ...known, Address: fc.constantFrom(...EMAILS) };
  const text = arbitraryOf(schema('SendSms'), phones).map((value) => fit(value as Text));
  const email = emailsThatFit(arbitraryOf(schema('EmailMessage'), { ...emails, ...partsOfEmails() }));
  return {
    SendSms: text,
    SmsMessage: text.map(({ media_ids: _, ...sms }) => ({
      ...sms,
      type: 'sms',
      to: [sms.to].flat()[0],
      attachments: [],
    })),
    MmsMessage: text.map((mms) => ({ ...mms, type: 'mms' })),
    EmailMessage: email,
    SendEmail: email,
    UntypedMessage: fc.oneof(text, email as fc.Arbitrary<Text>).map(({ type: _, ...untyped }) => untyped),
  };
}

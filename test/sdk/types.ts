// Compiled by `make check`, never run. A type that is too loose makes an expected error disappear, and compilation fails.

import { pino } from 'pino';
import type {
  AttemptPages,
  Client,
  Conversation,
  components,
  DeliveryAttempt,
  Endpoint,
  EventOf,
  EventType,
  MediaFile,
  Message,
  MessagePreview,
  Messages,
  MessagesWithWait,
  MessagingEvent,
  Participant,
  RawClient,
  SendByAddress,
  SendEmail,
  SendMessage,
  SendMms,
  SendSms,
  WithRequestId,
} from '../../sdk/src/index.ts';
import {
  ConflictError,
  conversations as conversationsResource,
  createClient,
  createPartialClient,
  DeliveryError,
  InvalidRequestError,
  MessagingError,
  messages as messagesResource,
  messagesWithWait,
  unwrapEvent,
  verifyWebhook,
  WebhookVerificationError,
} from '../../sdk/src/index.ts';

type Wire = components['schemas']['SendMessage'];
type WireEmail = components['schemas']['EmailMessage'];
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Same<A, B extends A> = Equal<A, B>;
const holds = <_Claim extends true>() => {};

declare const client: Client;
const { messages, conversations, participants, raw } = client;
const text = { from: '+12016661234', to: '+18045551234', body: 'Hi' } as const;
const mail = { from: 'a@x.org', to: 'b@x.org', body: 'Hi' } as const;
const list: string[] = ['b@x.org'];
const id: number = 1;

export async function sending() {
  messages.send({ ...text, type: 'sms' });
  messages.send({
    ...text,
    type: 'sms',
    attachments: null,
    metadata: { order: '7' },
    send_at: '',
    expires_at: '',
  });
  messages.send({ ...text, type: 'mms', to: list, attachments: ['https://x.org/a.png'] });
  messages.send({
    ...mail,
    type: 'email',
    to: list,
    subject: 'Hi',
    cc: list,
    bcc: list,
    reply_to: 'c@x.org',
  });
  messages.send({ ...mail, to: list, attachments: ['https://x.org/a.png'] });
  messages.send({ ...text, type: 'mms', media_ids: [id] });
  messages.send({ ...mail, type: 'email', media_ids: [id] });
  messages.send({ ...text, media_ids: [id] });
  messages.send(
    { ...text, type: 'sms' },
    { idempotencyKey: 'k', timeout: 1, maxRetries: 0, signal: AbortSignal.abort() },
  );
  holds<Equal<Awaited<ReturnType<typeof messages.send>>, WithRequestId<Message>>>();
  // Every SendMessage is valid for the service, and every field of the service's schema can be sent.
  holds<Equal<SendMessage extends Wire ? true : false, true>>();
  holds<Equal<keyof WireEmail, keyof SendEmail>>();
  holds<Equal<keyof SendSms | keyof SendMms | keyof SendByAddress, keyof WireEmail>>();

  // @ts-expect-error an sms has no subject
  messages.send({ ...text, type: 'sms', subject: 'Hi' });
  // @ts-expect-error an sms has no subject, however the object is made
  messages.send(Object.assign({ subject: 'Hi' }, text, { type: 'sms' as const }));
  // @ts-expect-error an sms has no copies
  messages.send({ ...text, type: 'sms', cc: list });
  // @ts-expect-error an sms has one recipient
  messages.send({ ...text, type: 'sms', to: list });
  // @ts-expect-error an sms has no attachments
  messages.send({ ...text, type: 'sms', attachments: ['https://x.org/a.png'] });
  // @ts-expect-error an sms has no files
  messages.send({ ...text, type: 'sms', media_ids: [id] });
  // @ts-expect-error the id of a file is a number
  messages.send({ ...text, type: 'mms', media_ids: ['1'] });
  // @ts-expect-error an mms has no subject
  messages.send({ ...text, type: 'mms', subject: 'Hi' });
  // @ts-expect-error an mms has no reply address
  messages.send({ ...text, type: 'mms', reply_to: 'a@x.org' });
  // @ts-expect-error a subject needs `type: 'email'`
  messages.send({ ...mail, subject: 'Hi' });
  // @ts-expect-error blind copies need `type: 'email'`
  messages.send({ ...mail, bcc: list });
  // @ts-expect-error there is no such channel
  messages.send({ ...text, type: 'fax' });
  // @ts-expect-error the type is not any string
  messages.send({ ...text, type: 'sms' as string });
  // @ts-expect-error there is no such field
  messages.send({ ...text, type: 'sms', text: 'Hi' });
  // @ts-expect-error there is no such field, without a type either
  messages.send({ ...text, priority: 1 });
  const { body: _body, ...unwritten } = mail;
  messages.send({ ...unwritten, type: 'email', text: 'Hi', html: '<p>Hi</p>' });
  messages.send({
    ...unwritten,
    type: 'email',
    html: 'Hi',
    attachments: [{ content: 'aGk=', filename: 'a.txt' }],
  });
  // @ts-expect-error an email has a body or HTML, not both
  messages.send({ ...mail, type: 'email', html: 'Hi' });
  // @ts-expect-error an email has a body, a text or HTML
  messages.send({ ...unwritten, type: 'email' });
  // @ts-expect-error an mms has attachments by URL only
  messages.send({ ...text, type: 'mms', attachments: [{ content: 'aGk=' }] });
  // @ts-expect-error a body is text
  messages.send({ ...text, type: 'sms', body: 7 });
  // @ts-expect-error a message has a sender
  messages.send({ type: 'sms', to: text.to, body: text.body });
  // @ts-expect-error a message has a recipient
  messages.send({ type: 'email', from: mail.from, body: mail.body });
  // @ts-expect-error a message has a body
  messages.send({ type: 'sms', from: text.from, to: text.to });
  // @ts-expect-error a time is text
  messages.send({ ...text, type: 'sms', send_at: new Date() });
  // @ts-expect-error metadata is text by text
  messages.send({ ...text, type: 'sms', metadata: { order: 7 } });
  // @ts-expect-error attachments are a list
  messages.send({ ...text, type: 'mms', attachments: 'https://x.org/a.png' });
  // @ts-expect-error there is no such option
  messages.send({ ...text, type: 'sms' }, { retries: 1 });
  // @ts-expect-error a key is text
  messages.send({ ...text, type: 'sms' }, { idempotencyKey: 1 });
}

export async function reading() {
  holds<Equal<Awaited<ReturnType<typeof messages.get>>, WithRequestId<Message>>>();
  holds<Equal<Awaited<ReturnType<typeof messages.cancel>>, WithRequestId<Message>>>();
  holds<Equal<Awaited<ReturnType<typeof messages.retry>>, WithRequestId<Message>>>();
  holds<Equal<Awaited<ReturnType<typeof messages.preview>>, WithRequestId<MessagePreview>>>();
  // @ts-expect-error a preview has no key
  messages.preview({ ...text, type: 'sms' }, { idempotencyKey: '1' });
  for await (const message of messages.list({ status: 'failed' })) holds<Equal<typeof message, Message>>();
  for await (const attempt of messages.attempts(id)) holds<Equal<typeof attempt, DeliveryAttempt>>();
  for await (const each of conversations.list({ participant: list }))
    holds<Equal<typeof each, Conversation>>();
  for await (const each of conversations.messages(id, { order: 'desc', after_id: 4 }))
    holds<Equal<typeof each, Message>>();
  for await (const each of participants.list({ address: '' })) holds<Equal<typeof each, Participant>>();
  const page = await messages.list();
  holds<Equal<typeof page.data, Message[]>>();
  holds<Equal<typeof page.next_cursor, string | null>>();
  holds<Same<Awaited<ReturnType<typeof page.nextPage>>, typeof page | null>>();
  const attempts: Awaited<AttemptPages> = await messages.attempts(id);
  holds<Equal<(typeof attempts.data)[number]['number'], number>>();
  for await (const entry of messages.timeline(id))
    if (entry.type === 'action') holds<Equal<typeof entry.action.action, 'cancel' | 'retry' | 'redact'>>();

  // @ts-expect-error an id is a number
  messages.get('1');
  // @ts-expect-error an id is needed
  messages.cancel();
  // @ts-expect-error a retry has no body
  messages.retry(id, { body: 'Hi' });
  // @ts-expect-error there is no such status
  messages.list({ status: 'lost' });
  // @ts-expect-error there is no such filter
  messages.list({ subject: 'Hi' });
  // @ts-expect-error a limit is a number
  messages.list({ limit: '10' });
  // @ts-expect-error there is no such order
  conversations.messages(id, { order: 'newest' });
  // @ts-expect-error participants are a list
  conversations.list({ participant: '+12016661234' });
  // @ts-expect-error conversations have no such channel
  conversations.list({ type: 'mms' });
  // @ts-expect-error a read has no key
  messages.get(id, { idempotencyKey: 'k' });
  // @ts-expect-error a message has no such field
  (await messages.get(id)).content;
  // @ts-expect-error an error may be none
  (await messages.get(id)).error.code;
}

export async function responses() {
  const { data, response, requestId } = await messages.get(id).withResponse();
  holds<Equal<typeof data, WithRequestId<Message>>>();
  holds<Equal<typeof response, Response>>();
  holds<Equal<typeof requestId, string | undefined>>();
  holds<Equal<(typeof data)['requestId'], string | undefined>>();
  const message: Message = await messages.get(id);
  const first = await messages.list().withResponse();
  holds<Equal<typeof first.data.data, Message[]>>();
  holds<Same<Awaited<ReturnType<typeof first.data.nextPage>>, typeof first.data | null>>();
  const plain = messages.get(id).finally(() => {});
  // @ts-expect-error plain promises have no response
  plain.withResponse();
  // @ts-expect-error the service sends no such field
  message.requestId;
}

export async function events(request: Request) {
  for await (const event of client.events.stream()) {
    holds<Equal<typeof event.type, EventType>>();
    if (event.type === 'message.received') holds<Equal<typeof event.data, Message>>();
    if (event.type === 'conversation.merged') holds<Equal<typeof event.data, Conversation>>();
    if (event.type === 'participant.linked') holds<Equal<typeof event.data, Participant>>();
    // @ts-expect-error not every event has a message
    event.data.body;
  }
  const type = ['message.received', 'conversation.created'] as const;
  for await (const event of client.events.stream({ after: 4, type, signal: AbortSignal.abort() })) {
    holds<Equal<typeof event.type, 'message.received' | 'conversation.created'>>();
    if (event.type === 'message.received') holds<Equal<typeof event.data, Message>>();
    else holds<Equal<typeof event.data, Conversation>>();
  }
  for await (const { data } of client.events.stream({ type: ['message.sent', 'message.failed'] }))
    holds<Equal<typeof data, Message>>();
  holds<Equal<EventOf<'message.sent'>['data'], Message>>();
  for await (const event of client.events.list({ after: 4, type: ['message.sent'], conversation_id: 1 }))
    holds<Equal<typeof event, MessagingEvent>>();
  holds<Equal<Awaited<ReturnType<typeof client.events.list>>['position'], number>>();

  const event = await unwrapEvent(request, ['whsec_']);
  if (event.type === 'message.received') holds<Equal<typeof event.data, Message>>();
  if (event.type === 'endpoint.test') holds<Equal<typeof event.id, 0>>();
  await client.events.unwrap({ headers: {}, body: new Uint8Array() }, 'whsec_');

  const message: Message = await messages.wait(id, { until: 'sent', timeoutMs: 1 });
  messages.cancel(message.id);

  // @ts-expect-error there is no such type
  client.events.stream({ type: ['message.lost'] });
  // @ts-expect-error a position is a number
  client.events.stream({ after: '4' });
  // @ts-expect-error the filters have the names of the API
  client.events.stream({ conversationId: 4 });
  // @ts-expect-error a parsed body cannot be verified
  unwrapEvent({ headers: {}, body: { id: 1 } }, 'whsec_');
  // @ts-expect-error a secret is needed
  client.events.unwrap(request);
  // @ts-expect-error a message cannot be waited for until it fails
  messages.wait(id, { until: 'failed' });
}

export async function endpoints() {
  const { endpoints } = client;
  const created = await endpoints.create({ url: 'https://x.org', event_types: ['message.sent'] });
  holds<Equal<typeof created.secret, string>>();
  for await (const each of endpoints.list({ limit: 1 })) holds<Equal<typeof each, Endpoint>>();
  holds<Equal<Awaited<ReturnType<typeof endpoints.get>>, WithRequestId<Endpoint>>>();
  for await (const { error } of endpoints.attempts(id, { outcome: 'failed' }))
    if (error) holds<Equal<typeof error.detail, string>>();
  await endpoints.replay(id, { failed: true });

  // @ts-expect-error a secret is shown only once
  (await endpoints.get(id)).secret;
  // @ts-expect-error a URL is needed
  endpoints.create({ description: '' });
  // @ts-expect-error there is no such field
  endpoints.update(id, { secret: '' });
}

export async function media(stream: AsyncIterable<Uint8Array>) {
  const { media } = client;
  const file = await media.upload(new Blob([]), {
    name: 'a.jpg',
    channel: 'sms',
    signal: AbortSignal.abort(),
  });
  holds<Equal<typeof file, WithRequestId<MediaFile>>>();
  media.upload(stream, { contentType: 'image/png', maxRetries: 0 });
  media.upload(new Uint8Array(), {});
  media.upload(new File([], 'a.jpg'));
  holds<Equal<Awaited<ReturnType<typeof media.get>>, WithRequestId<MediaFile>>>();
  const content: ReadableStream<Uint8Array> = await media.content(id, { range: 'bytes=0-9' });
  content.cancel();
  const { response } = await media.content(id).withResponse();
  response.headers.get('content-range');
  (await messages.get(id)).media?.map(({ url, error }) => url ?? error?.code);

  // @ts-expect-error a path is not a file
  media.upload('picture.jpg');
  // @ts-expect-error there is no such channel
  media.upload(new Blob([]), { channel: 'fax' });
  // @ts-expect-error a range is text
  media.content(id, { range: [0, 9] });
  // @ts-expect-error an upload has no key
  media.upload(new Blob([]), { idempotencyKey: '1' });
}

export function partial() {
  const waiting = createPartialClient({ messages: messagesWithWait });
  holds<Equal<typeof waiting.messages, MessagesWithWait>>();
  const client = createPartialClient({ messages: messagesResource, conversations: conversationsResource });
  holds<Equal<typeof client.messages, Messages>>();
  holds<Equal<typeof client.raw, RawClient>>();
  // @ts-expect-error the client has the given resources only
  client.participants;
  // @ts-expect-error `messages` alone does not follow events
  client.messages.wait(id);
  // @ts-expect-error a resource is a function
  createPartialClient({ messages });
}

export async function others(error: unknown) {
  await participants.update(id, { name: null });
  holds<Equal<Awaited<ReturnType<typeof participants.link>>, WithRequestId<Participant>>>();
  await participants.update(id, { external_id: null, metadata: { plan: 'gold' } });
  await conversations.update(id, { external_id: 'ticket-77', metadata: {} });
  // @ts-expect-error metadata is not null
  conversations.update(id, { metadata: null });
  // @ts-expect-error an address cannot be changed
  participants.update(id, { address: '' });
  // @ts-expect-error a name is text
  participants.update(id, { name: 1 });
  // @ts-expect-error it takes two to link
  participants.link(id);

  createClient();
  createClient({ baseUrl: undefined, apiKey: null, logger: console, logLevel: 'debug' });
  createClient({ logger: pino() });
  // @ts-expect-error a logger has every level
  createClient({ logger: { warn: () => {} } });
  // @ts-expect-error there is no such level
  createClient({ logLevel: 'verbose' });
  // @ts-expect-error there is no such option
  createClient({ baseUrl: '', token: 'key' });
  // @ts-expect-error there is no such path
  raw.GET('/api/contacts');
  // @ts-expect-error a path's id is needed
  raw.GET('/api/messages/{id}');

  if (error instanceof InvalidRequestError)
    holds<Equal<(typeof error.errors)[number], { path: string; message: string }>>();
  if (error instanceof MessagingError) holds<Equal<typeof error.code, string>>();
  // @ts-expect-error there is no such code
  if (error instanceof ConflictError) error.code === 'not_cancellable';
  if (error instanceof DeliveryError) holds<Equal<typeof error.result, Message>>();
  // @ts-expect-error there is no such code
  if (error instanceof WebhookVerificationError) error.code === 'not_cancelable';

  const { payload } = await verifyWebhook({ body: '', headers: new Headers(), secret: 'whsec_' });
  holds<Equal<typeof payload, unknown>>();
  // @ts-expect-error a parsed body cannot be verified
  verifyWebhook({ body: { test: 1 }, headers: {}, secret: '' });
  // @ts-expect-error a secret is needed
  verifyWebhook({ body: '', headers: {} });
}

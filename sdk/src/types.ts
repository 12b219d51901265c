import type { Pages } from './pagination.ts';
import type { components, operations } from './schema.ts';

type Schemas = components['schemas'];

export type Message = Schemas['Message'];
export type MessagePreview = Schemas['MessagePreview'];
export type MessageStatus = Schemas['MessageStatus'];
export type MessageType = Schemas['MessageType'];
export type MediaFile = Schemas['Media'];
export type Channel = Schemas['Channel'];
export type Conversation = Schemas['Conversation'];
export type ConversationUpdate = Schemas['ConversationUpdate'];
export type Participant = Schemas['Participant'];
export type ParticipantUpdate = Schemas['ParticipantUpdate'];
export type Erasure = Schemas['Erasure'];
/** A line of the export of a participant. */
export type ExportLine = Schemas['ExportLine'];
export type DeliveryAttempt = Schemas['DeliveryAttempt'];
export type DeliveryReceipt = Schemas['DeliveryReceipt'];
export type DeliveryAction = Schemas['DeliveryAction'];
export type TimelineEntry = Schemas['TimelineEntry'];
export type EventType = Schemas['EventType'];
/** Something that happened. `type` narrows `data`. */
export type MessagingEvent = Schemas['Event'];
export type Endpoint = Schemas['Endpoint'];
export type EndpointWithSecret = Schemas['EndpointWithSecret'];
export type NewEndpoint = Schemas['NewEndpoint'];
export type EndpointChange = Schemas['EndpointChange'];
export type EndpointReplay = Schemas['EndpointReplay'];
export type EndpointTestResult = Schemas['EndpointTestResult'];
export type EndpointAttempt = Schemas['EndpointAttempt'];
export type Suppression = Schemas['Suppression'];
export type SuppressionChange = Schemas['SuppressionChange'];
export type NewSuppression = Schemas['NewSuppression'];
export type ImportResult = Schemas['ImportResult'];

/** The events of some types. */
export type EventOf<Type extends EventType> = Narrowed<MessagingEvent, Type>;
type Narrowed<Each extends MessagingEvent, Type> = Each extends { type: infer Own }
  ? Own & Type extends never
    ? never
    : Each & { type: Own & Type }
  : never;

/** The event of `endpoints.test`, which is not part of the feed. */
export interface EndpointTestEvent {
  id: 0;
  type: 'endpoint.test';
  timestamp: string;
  data: Endpoint;
}

export type MessagePages = Pages<Schemas['MessageList']>;
export type ConversationPages = Pages<Schemas['ConversationList']>;
export type ParticipantPages = Pages<Schemas['ParticipantList']>;
export type ErasurePages = Pages<Schemas['ErasureList']>;
export type AttemptPages = Pages<Schemas['DeliveryAttemptList']>;
export type TimelinePages = Pages<Schemas['Timeline']>;
export type EventPages = Pages<Schemas['EventList']>;
export type EndpointPages = Pages<Schemas['EndpointList']>;
export type EndpointAttemptPages = Pages<Schemas['EndpointAttemptList']>;
export type SuppressionPages = Pages<Schemas['SuppressionList']>;
export type SuppressionHistoryPages = Pages<Schemas['SuppressionHistory']>;

type Query<Operation extends keyof operations> = NonNullable<operations[Operation]['parameters']['query']>;

export type MessageFilters = Query<'listMessages'>;
export type ConversationFilters = Query<'listConversations'>;
export type ConversationMessageFilters = Query<'listConversationMessages'>;
export type ParticipantFilters = Query<'listParticipants'>;
export type ErasureOptions = Query<'eraseParticipant'>;
export type ErasureFilters = Query<'listErasures'>;
export type ParticipantExportOptions = Query<'exportParticipant'>;
export type AttemptFilters = Query<'listMessageAttempts'>;
export type TimelineFilters = Query<'listMessageTimeline'>;
export type EventFilters = Query<'listEvents'>;
export type EndpointFilters = Query<'listEndpoints'>;
export type EndpointAttemptFilters = Query<'listEndpointAttempts'>;
export type SuppressionFilters = Query<'listSuppressions'>;
export type SuppressionHistoryFilters = Query<'listSuppressionHistory'>;
export type SuppressionExportFilters = Query<'exportSuppressions'>;
/** The entry of an address. */
export type SuppressionSelector = Query<'deleteSuppression'>;

type Wire = Schemas['UntypedMessage'];
type ContentField = 'text' | 'html';
type EmailField = 'subject' | 'cc' | 'bcc' | 'reply_to' | 'headers' | 'reply_to_message_id';
type FileField = 'attachments' | 'media_ids';
type Common = Omit<Wire, 'type' | 'to' | 'body' | FileField | EmailField | ContentField>;
type Without<Field extends string> = { [Name in Field]?: never };
type Text = { body: string } & Without<EmailField | ContentField>;
type Urls = { attachments?: null | string[] } & Pick<Wire, 'media_ids'>;
/** A body, or a text and HTML, or one of these. */
type EmailContent =
  | ({ body: string } & Without<ContentField>)
  | ({ text: string; html?: string } & Without<'body'>)
  | ({ text?: string; html: string } & Without<'body'>);

/** One recipient, no files. */
export type SendSms = Common &
  Text &
  Without<'media_ids'> & { type: 'sms'; to: string; attachments?: null | [] };
/** Files, or several recipients, or both. */
export type SendMms = Common & Text & Urls & Pick<Wire, 'to'> & { type: 'mms' };
export type SendEmail = Common & EmailContent & Pick<Wire, 'to' | FileField | EmailField> & { type: 'email' };
/** The addresses determine the channel. Fields of an email require `type: 'email'`. */
export type SendByAddress = Common & Text & Urls & Without<'type'> & Pick<Wire, 'to'>;

/** The body of a send. Stricter than the schema of the service, so that a field of another message type does not compile. */
export type SendMessage = SendSms | SendMms | SendEmail | SendByAddress;

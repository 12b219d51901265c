import type { Pages } from './pagination.ts';
import type { components, operations } from './schema.ts';

type Schemas = components['schemas'];

export type Message = Schemas['Message'];
export type MessageStatus = Schemas['MessageStatus'];
export type MessageType = Schemas['MessageType'];
export type Conversation = Schemas['Conversation'];
export type Participant = Schemas['Participant'];
export type ParticipantUpdate = Schemas['ParticipantUpdate'];
export type DeliveryAttempt = Schemas['DeliveryAttempt'];
export type DeliveryReceipt = Schemas['DeliveryReceipt'];
export type DeliveryAction = Schemas['DeliveryAction'];
export type TimelineEntry = Schemas['TimelineEntry'];

export type MessagePages = Pages<Schemas['MessageList']>;
export type ConversationPages = Pages<Schemas['ConversationList']>;
export type ParticipantPages = Pages<Schemas['ParticipantList']>;
export type AttemptPages = Pages<Schemas['DeliveryAttemptList']>;
export type TimelinePages = Pages<Schemas['Timeline']>;

type Query<Operation extends keyof operations> = NonNullable<operations[Operation]['parameters']['query']>;

export type MessageFilters = Query<'listMessages'>;
export type ConversationFilters = Query<'listConversations'>;
export type ConversationMessageFilters = Query<'listConversationMessages'>;
export type ParticipantFilters = Query<'listParticipants'>;
export type AttemptFilters = Query<'listMessageAttempts'>;
export type TimelineFilters = Query<'listMessageTimeline'>;

type Wire = Schemas['UntypedMessage'];
type EmailField = 'subject' | 'cc' | 'bcc' | 'reply_to';
type Common = Omit<Wire, 'type' | 'to' | 'attachments' | EmailField>;
type Without<Field extends string> = { [Name in Field]?: never };

/** One recipient, no attachments. */
export type SendSms = Common & Without<EmailField> & { type: 'sms'; to: string; attachments?: null | [] };
/** Attachments, or several recipients, or both. */
export type SendMms = Common & Without<EmailField> & Pick<Wire, 'to' | 'attachments'> & { type: 'mms' };
export type SendEmail = Common & Pick<Wire, 'to' | 'attachments' | EmailField> & { type: 'email' };
/** The addresses determine the channel. Fields of an email require `type: 'email'`. */
export type SendByAddress = Common & Without<'type' | EmailField> & Pick<Wire, 'to' | 'attachments'>;

/** The body of a send. Stricter than the schema of the service, so that a field of another message type does not compile. */
export type SendMessage = SendSms | SendMms | SendEmail | SendByAddress;

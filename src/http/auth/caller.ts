import type { Channel } from '../../channel.ts';
import type { InsufficientScopeError, UnauthorizedError } from '../../errors.ts';
import type { Handler, OperationId } from '../../openapi/types.ts';
import type { IncomingWebhook } from '../../providers/webhook.ts';
import type { WebhookAccount } from '../../providers/webhook-account.ts';

/** A client; `name` is the name of its API key, null if no keys are configured. */
export interface ApiCaller {
  type: 'api_key';
  name: string | null;
  /** Whether the key has the scope `read`; true if no keys are configured. */
  reads: boolean;
}

/** The provider account that sent a webhook. */
export interface ProviderCaller {
  type: 'provider';
  provider: WebhookAccount;
  /** The webhook that was verified. */
  webhook: IncomingWebhook;
}

/** A monitoring system, with the metrics token. */
export interface MonitorCaller {
  type: 'monitor';
}

/** A client or a provider with a link to one file. */
export interface LinkCaller {
  type: 'link';
}

/** A caller without sufficient credentials, for operations that do not require credentials. */
export interface AnonymousCaller {
  type: 'anonymous';
  /** The error if the caller requests content that requires credentials. */
  refusal: UnauthorizedError | InsufficientScopeError;
}

export type Caller = ApiCaller | ProviderCaller | MonitorCaller | LinkCaller | AnonymousCaller;

/** The name of the API key of a caller; null without a key. */
export function actorOf(caller: Caller): string | null {
  return caller.type === 'api_key' ? caller.name : null;
}

/** The API key whose uploads are the only files that the caller may send; null: the caller may send every file. */
export function uploaderOf(caller: Caller): string | null {
  return caller.type === 'api_key' && !caller.reads ? caller.name : null;
}

/** The channel of each operation that the providers of one channel call. */
export const WEBHOOK_CHANNELS = {
  receiveSms: 'sms',
  receiveSmsStatus: 'sms',
  receiveEmail: 'email',
  receiveEmailStatus: 'email',
} as const satisfies Partial<Record<OperationId, Channel>>;

/** The operations whose handlers read the body as it was received. */
const RAW_WEBHOOKS = ['receiveWebhook', 'receiveInboundMail', 'receiveMime'] as const satisfies OperationId[];
type WebhookOperation = keyof typeof WEBHOOK_CHANNELS | (typeof RAW_WEBHOOKS)[number];

export function isWebhook(operationId: string | undefined): boolean {
  return isRawWebhook(operationId) || (operationId !== undefined && operationId in WEBHOOK_CHANNELS);
}

/** Whether the webhooks of an operation are stored whole, also if PostgreSQL cannot store their text. */
export function isRawWebhook(operationId: string | undefined): boolean {
  return RAW_WEBHOOKS.some((id) => id === operationId);
}

type CallerOf<Id extends OperationId> = Id extends WebhookOperation
  ? ProviderCaller
  : ApiCaller | MonitorCaller | LinkCaller | AnonymousCaller;

/** One handler for each operation of the contract. */
export type Handlers = { [Id in OperationId]: Handler<Id, CallerOf<Id>> };

import type { Channel } from '../../channel.ts';
import type { Handler, OperationId } from '../../openapi/types.ts';
import type { Provider } from '../../providers/provider.ts';

/** A client; `name` is the name of its API key, null if no keys are configured. */
export interface ApiCaller {
  type: 'api_key';
  name: string | null;
}

/** The provider account that sent a webhook. */
export interface ProviderCaller {
  type: 'provider';
  provider: Provider;
}

/** A caller without credentials, for operations that do not require credentials. */
export interface AnonymousCaller {
  type: 'anonymous';
}

export type Caller = ApiCaller | ProviderCaller | AnonymousCaller;

/** The channel of each operation that providers call. */
export const WEBHOOK_CHANNELS = {
  receiveSms: 'sms',
  receiveSmsStatus: 'sms',
  receiveEmail: 'email',
  receiveEmailStatus: 'email',
} as const satisfies Partial<Record<OperationId, Channel>>;

type WebhookOperation = keyof typeof WEBHOOK_CHANNELS;
type CallerOf<Id extends OperationId> = Id extends WebhookOperation
  ? ProviderCaller
  : ApiCaller | AnonymousCaller;

/** One handler for each operation of the contract. */
export type Handlers = { [Id in OperationId]: Handler<Id, CallerOf<Id>> };

import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';
import { conversationHandlers } from './conversations.ts';
import { endpointHandlers } from './endpoints.ts';
import { eventHandlers } from './events.ts';
import { mediaHandlers } from './media.ts';
import { messageHandlers } from './messages.ts';
import { participantHandlers } from './participants.ts';
import { privacyHandlers } from './privacy.ts';
import { quarantineHandlers } from './quarantine.ts';
import { suppressionHandlers } from './suppressions.ts';
import { systemHandlers } from './system.ts';
import { webhookHandlers } from './webhooks.ts';

/** Creates the handlers of all operations of the contract. */
export function createHandlers(context: Context) {
  return {
    ...messageHandlers(context),
    ...mediaHandlers(context),
    ...conversationHandlers(context),
    ...participantHandlers(context),
    ...privacyHandlers(context),
    ...eventHandlers(context),
    ...endpointHandlers(context),
    ...suppressionHandlers(context),
    ...webhookHandlers(context),
    ...quarantineHandlers(context),
    ...systemHandlers(context),
  } satisfies Handlers;
}

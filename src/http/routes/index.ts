import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';
import { conversationHandlers } from './conversations.ts';
import { messageHandlers } from './messages.ts';
import { participantHandlers } from './participants.ts';
import { operationsHandlers } from './system.ts';
import { webhookHandlers } from './webhooks.ts';

/** One handler for every operation of the contract: a missing handler does not compile. */
export function createHandlers(context: Context) {
  return {
    ...messageHandlers(context),
    ...conversationHandlers(context),
    ...participantHandlers(context),
    ...webhookHandlers(context),
    ...operationsHandlers(context),
  } satisfies Handlers;
}

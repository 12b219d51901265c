import type { Knex } from 'knex';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/pools.ts';
import { Endpoints } from '../feed/endpoints/endpoints.ts';
import { endpointsByIds } from '../feed/endpoints/present.ts';
import { EndpointSender } from '../feed/endpoints/send.ts';
import type { Resources } from '../feed/event.ts';
import { participantsByIds } from '../messaging/people/participants.ts';
import { conversationsByIds, messagesByIds } from '../messaging/reading/resources.ts';
import { webhooksByIds } from '../webhooks/quarantine.ts';

/** The resources of events, from the database. */
export function createResources(knex: Knex): Resources {
  return {
    messages: (ids) => messagesByIds(knex, ids),
    conversations: (ids) => conversationsByIds(knex, ids),
    participants: (ids) => participantsByIds(knex, ids),
    endpoints: (ids) => endpointsByIds(knex, ids),
    quarantined: (ids) => webhooksByIds(knex, ids),
  };
}

/** The endpoints for requests. The stack closes their connections. */
export function createEndpoints(
  { allowedPrivateHosts }: Config,
  { knex, pool }: Database,
  stack: AsyncDisposableStack,
): Endpoints {
  const sender = new EndpointSender({ allowedPrivateHosts });
  stack.defer(() => sender.stop());
  return new Endpoints({ knex, pool, sender });
}

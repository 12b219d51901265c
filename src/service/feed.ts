import type { Knex } from 'knex';
import type pg from 'pg';
import type { KeyedConfig } from '../config/config.ts';
import { suppressionChangesByIds } from '../consent/present.ts';
import type { Database } from '../db/pools.ts';
import { createEndpointMeasure } from '../feed/endpoints/delivery/measure.ts';
import { EndpointWorker } from '../feed/endpoints/delivery/worker.ts';
import { Endpoints } from '../feed/endpoints/endpoints.ts';
import { endpointsByIds } from '../feed/endpoints/present.ts';
import { EndpointSecrets } from '../feed/endpoints/secret.ts';
import { EndpointSender } from '../feed/endpoints/send.ts';
import type { Resources } from '../feed/event.ts';
import type { MediaLinks } from '../media/links.ts';
import { createMessageView } from '../messaging/message-view.ts';
import { participantsByIds } from '../messaging/people/participants.ts';
import { conversationsByIds, messagesByIds } from '../messaging/reading/resources.ts';
import type { Events } from '../observability/events.ts';
import { webhooksByIds } from '../webhooks/quarantine.ts';
import { linksOf } from './media.ts';

/** The resources of events, from the database. */
export function createResources(knex: Knex, links: MediaLinks): Resources {
  const present = createMessageView(links);
  return {
    messages: (ids) => messagesByIds(knex, present, ids),
    conversations: (ids) => conversationsByIds(knex, ids),
    participants: (ids) => participantsByIds(knex, ids),
    endpoints: (ids) => endpointsByIds(knex, ids),
    quarantined: (ids) => webhooksByIds(knex, ids),
    suppressionChanges: (ids) => suppressionChangesByIds(knex, ids),
  };
}

export interface EndpointWorkerContext {
  config: KeyedConfig;
  pool: pg.Pool;
  knex: Knex;
  events: Events;
  /** Called after the commit of an event about an endpoint. */
  onEvent: () => void;
}

/** Creates the worker that delivers events to endpoints. The stack stops the worker. */
export function createEndpointWorker(
  { config, knex, ...context }: EndpointWorkerContext,
  stack: AsyncDisposableStack,
): EndpointWorker {
  const sender = new EndpointSender({
    allowedPrivateHosts: config.allowedPrivateHosts,
    secrets: new EndpointSecrets(config.secretKeys),
  });
  stack.defer(() => sender.stop());
  const patienceMs = config.stopTimeoutMs / 2;
  const worker = new EndpointWorker({
    ...context,
    resources: createResources(knex, linksOf(config)),
    sender,
    patienceMs,
  });
  stack.defer(() => worker.stop());
  return worker;
}

/** The endpoints for requests. The stack closes their connections. */
export function createEndpoints(
  { allowedPrivateHosts, secretKeys }: KeyedConfig,
  { knex, pool }: Database,
  events: Events,
  stack: AsyncDisposableStack,
): Endpoints {
  events.watchEndpoints(createEndpointMeasure(pool));
  const secrets = new EndpointSecrets(secretKeys);
  const sender = new EndpointSender({ allowedPrivateHosts, secrets });
  stack.defer(() => sender.stop());
  return new Endpoints({ knex, pool, sender, secrets });
}

import type pg from 'pg';
import type { Config, KeyedConfig } from '../config/config.ts';
import { createAddressHash } from '../consent/key.ts';
import type { Caches } from '../db/caches.ts';
import type { Database } from '../db/pools.ts';
import { createReceiptRecorder } from '../delivery/receipts.ts';
import { createPostgresStore } from '../media/postgres-store.ts';
import { addressParserOf } from '../messaging/address.ts';
import { createRecorder } from '../messaging/recording/record.ts';
import type { Events } from '../observability/events.ts';
import { MIME_ACCOUNT } from '../providers/mime/account.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import { createAccountOf } from './accounts.ts';
import type { AttemptOptions } from './attempt.ts';
import { createEffects, type Effects, type EffectsOptions } from './effects.ts';
import { InboxBytes } from './inbox/inbox-bytes.ts';
import { createInboxMeasure } from './inbox/measure.ts';
import { InboxWorker } from './inbox/worker.ts';
import { createMediaMeasure } from './media/measure.ts';
import { createProcessing } from './process.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { type Receive, receiveWebhook } from './receive.ts';

/** The webhooks of a process that serves requests. */
export interface Webhooks {
  receive: Receive;
  effects: Effects;
  quarantine: Quarantine;
}

export interface WebhooksOptions
  extends Omit<EffectsOptions, 'pool' | 'store' | 'accounts' | 'emailAccounts'> {
  providers: ProviderRegistry;
  database: Pick<Database, 'knex' | 'pool'>;
  /** Called after the commit of the event that a webhook was quarantined. */
  onQuarantined: () => void;
}

export function createWebhooks({
  config,
  providers,
  database,
  events,
  onQuarantined,
  ...recorders
}: WebhooksOptions): Webhooks {
  const { knex, pool } = database;
  const effects = createEffects({ ...recorders, config, pool, events, ...accountsOf(providers, pool) });
  const options = attemptOptions(config, providers, pool, effects, { events, onQuarantined });
  const inboxBytes = new InboxBytes(pool);
  events.watchInbox(
    [...providers.sms, ...providers.email].map(({ name }) => name).concat(MIME_ACCOUNT),
    createInboxMeasure(pool),
  );
  events.watchMedia(createMediaMeasure(pool));
  return {
    effects,
    receive: (...webhook) => receiveWebhook({ ...options, inboxBytes }, ...webhook),
    quarantine: createQuarantine(knex, options),
  };
}

export interface InboxWorkerOptions {
  config: KeyedConfig;
  providers: ProviderRegistry;
  pool: pg.Pool;
  events: Events;
  caches: Caches;
  /** Called after a message, a receipt or another event was committed. */
  onRecorded: () => void;
}

/** Creates the worker of the inbox with recorders of its own. The stack stops the worker. */
export function createInboxWorker(options: InboxWorkerOptions, stack: AsyncDisposableStack): InboxWorker {
  const { config, providers, pool, events, caches, onRecorded } = options;
  const parseAddress = addressParserOf(config.defaultRegion);
  const hashAddress = createAddressHash(config.consentKey);
  const recorder = createRecorder({ pool, events, hashAddress, caches, onRecorded });
  const receipts = createReceiptRecorder(pool, events, onRecorded, hashAddress);
  const effects = createEffects({
    ...{ config, pool, parseAddress, recorder, receipts, events, ...accountsOf(providers, pool) },
  });
  const reporting = { events, onQuarantined: onRecorded };
  const worker = new InboxWorker(attemptOptions(config, providers, pool, effects, reporting));
  stack.defer(() => worker.stop());
  return worker;
}

/** The accounts of each channel, and the media store, for the effects of webhooks. */
function accountsOf({ sms, email }: ProviderRegistry, pool: pg.Pool) {
  return { accounts: sms, emailAccounts: email, store: createPostgresStore(pool) };
}

function attemptOptions(
  { publicUrl, mimeWebhookSecrets }: Config,
  providers: ProviderRegistry,
  pool: pg.Pool,
  effects: Effects,
  reporting: Pick<AttemptOptions, 'events' | 'onQuarantined'>,
): AttemptOptions {
  return {
    ...{ pool, publicUrl, store: createPostgresStore(pool) },
    accountOf: createAccountOf(providers, mimeWebhookSecrets),
    process: createProcessing(effects, reporting.events),
    ...reporting,
  };
}

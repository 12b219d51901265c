import type pg from 'pg';
import type { KeyedConfig } from '../config/config.ts';
import { createAddressHash } from '../consent/key.ts';
import type { Caches } from '../db/caches.ts';
import type { Database } from '../db/pools.ts';
import { createPostgresStore } from '../media/postgres-store.ts';
import { forgetAddresses } from '../messaging/address.ts';
import type { Events } from '../observability/events.ts';
import { watchErasures } from '../privacy/erased-content.ts';
import { Erasures } from '../privacy/erasure/erasures.ts';
import { createErasureMeasure } from '../privacy/erasure/measure.ts';
import { ErasureSteps } from '../privacy/erasure/steps.ts';
import { createExport } from '../privacy/export/export.ts';
import { createRedaction } from '../privacy/redact.ts';
import { createRetentionMeasure } from '../privacy/retention/measure.ts';
import { redactTarget } from '../webhooks/secrets.ts';

/** @param onEvent called after the commit of an event. */
export function createErasureSteps(
  { consentKey }: KeyedConfig,
  pool: pg.Pool,
  events: Events,
  onEvent: () => void,
): ErasureSteps {
  return new ErasureSteps({
    ...{ pool, events, onEvent },
    store: createPostgresStore(pool),
    hashAddress: createAddressHash(consentKey),
  });
}

export interface PrivacyOptions {
  config: KeyedConfig;
  database: Database;
  /** The URL of the database, without a pooler, for LISTEN. */
  directUrl: string;
  events: Events;
  /** The caches of this process, which are emptied when participants are erased. */
  caches: Caches;
  /** Forgets the events that are rendered already. */
  forgetEvents: () => void;
  /** Called after the commit of an event. */
  onEvent: () => void;
}

/** Erasures, redactions and exports, for requests. The stack ends the watch over the erasures by other processes. */
export function createPrivacy(options: PrivacyOptions, stack: AsyncDisposableStack) {
  const { config, database, directUrl, events, caches, forgetEvents, onEvent } = options;
  const { knex, pool } = database;
  events.watchErasures(createErasureMeasure(pool));
  events.watchRetention(createRetentionMeasure(pool, config.retentionDays));
  caches.add(forgetAddresses);
  caches.add(forgetEvents);
  const watching = watchErasures({
    ...{ pool, url: directUrl },
    onContentErased: forgetEvents,
    onErased: () => caches.empty(),
    onError: (error) => events.failed('listen', error),
  });
  stack.defer(() => watching.stop());
  const store = createPostgresStore(pool);
  const hashAddress = createAddressHash(config.consentKey);
  const ownAddresses = config.accounts.flatMap(({ senders }) => senders ?? []);
  const steps = createErasureSteps(config, pool, events, onEvent);
  return {
    erasures: new Erasures({ knex, pool, ownAddresses, steps }),
    redact: createRedaction({ pool, store }),
    exportParticipant: createExport({ knex, store, hashAddress, redactTarget }),
  };
}

import type pg from 'pg';
import type { KeyedConfig } from '../config/config.ts';
import { createAddressHash } from '../consent/key.ts';
import type { Database } from '../db/pools.ts';
import { createPostgresStore } from '../media/postgres-store.ts';
import type { Events } from '../observability/events.ts';
import { Erasures } from '../privacy/erasure/erasures.ts';
import { createErasureMeasure } from '../privacy/erasure/measure.ts';
import { ErasureSteps } from '../privacy/erasure/steps.ts';

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

/** The erasures of participants, for requests. */
export function createErasures(
  config: KeyedConfig,
  { knex, pool }: Database,
  events: Events,
  onEvent: () => void,
): Erasures {
  events.watchErasures(createErasureMeasure(pool));
  const ownAddresses = config.accounts.flatMap(({ senders }) => senders ?? []);
  return new Erasures({ knex, pool, ownAddresses, steps: createErasureSteps(config, pool, events, onEvent) });
}

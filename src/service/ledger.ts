import type { KeyedConfig } from '../config/config.ts';
import { createAddressHash } from '../consent/key.ts';
import { createLedger, type Ledger } from '../consent/ledger.ts';
import type { Database } from '../db/pools.ts';
import { isSendable, parseAddress } from '../messaging/address.ts';
import { parseTime } from '../messaging/time.ts';
import type { Events } from '../observability/events.ts';

/** The ledger of suppressions for requests. `onChanged` is called after the commit of a change. */
export function createServiceLedger(
  { consentKey, defaultRegion }: KeyedConfig,
  database: Database,
  events: Events,
  onChanged: () => void,
): Ledger {
  return createLedger({
    ...{ database, events, onChanged, parseTime },
    hashAddress: createAddressHash(consentKey),
    // Without the cache of other requests, whose addresses a large import would remove.
    parseAddress: (text) => {
      const address = parseAddress(text, defaultRegion);
      return address && { ...address, isSendable: isSendable(address) };
    },
  });
}

import type { Knex } from 'knex';
import type { ChannelReport } from '../../delivery/account-report.ts';
import type { Decisions } from '../../delivery/decisions.ts';
import type { ReceiptTaker } from '../../delivery/receipts.ts';
import type { AddressParser } from '../../messaging/address.ts';
import type { Recorder } from '../../messaging/record.ts';
import type { Searches } from '../../messaging/search-limit.ts';
import type { Events } from '../../observability/events.ts';

/** What the handlers work with. */
export interface Context {
  knex: Knex;
  parseAddress: AddressParser;
  recorder: Recorder;
  receipts: ReceiptTaker;
  decisions: Decisions;
  searches: Searches;
  events: Events;
  /** Whether the service can do its work; throws `UnavailableError` where it cannot. */
  assertReady: () => Promise<void>;
  /** The queue and the accounts of each channel. */
  reportChannels: () => Promise<ChannelReport[]>;
}

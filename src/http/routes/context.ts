import type { Knex } from 'knex';
import type { ChannelReport } from '../../delivery/accounts/report.ts';
import type { ManualActions } from '../../delivery/manual-actions.ts';
import type { ReceiptRecorder } from '../../delivery/receipts.ts';
import type { AddressParser } from '../../messaging/address.ts';
import type { Searches } from '../../messaging/reading/search-limit.ts';
import type { Recorder } from '../../messaging/recording/record.ts';
import type { Events } from '../../observability/events.ts';

/** What the handlers work with. */
export interface Context {
  knex: Knex;
  parseAddress: AddressParser;
  recorder: Recorder;
  receipts: ReceiptRecorder;
  manualActions: ManualActions;
  searches: Searches;
  events: Events;
  /** Whether the service can do its work; throws `UnavailableError` where it cannot. */
  assertReady: () => Promise<void>;
  /** The queue and the accounts of each channel. */
  reportChannels: () => Promise<ChannelReport[]>;
}

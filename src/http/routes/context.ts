import type { Ledger } from '../../consent/ledger.ts';
import type { UnsubscribeLinks } from '../../consent/unsubscribe-links.ts';
import type { ChannelReport } from '../../delivery/accounts/report.ts';
import type { ManualActions } from '../../delivery/manual-actions.ts';
import type { Timelines } from '../../delivery/timeline.ts';
import type { Endpoints } from '../../feed/endpoints/endpoints.ts';
import type { Feed } from '../../feed/feed.ts';
import type { Media } from '../../media/media.ts';
import type { AddressParser } from '../../messaging/address.ts';
import type { FileStorage } from '../../messaging/email/new-files.ts';
import type { FindRepliedTo } from '../../messaging/email/replied-to.ts';
import type { PresentMessage } from '../../messaging/message-view.ts';
import type { FindMedia } from '../../messaging/named-media.ts';
import type { People } from '../../messaging/people/people.ts';
import type { Preview } from '../../messaging/preview/preview.ts';
import type { Reader } from '../../messaging/reading/reader.ts';
import type { Recorder } from '../../messaging/recording/record.ts';
import type { Events } from '../../observability/events.ts';
import type { Erasures } from '../../privacy/erasure/erasures.ts';
import type { ExportParticipant } from '../../privacy/export/export.ts';
import type { Redact } from '../../privacy/redact.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import type { Webhooks } from '../../webhooks/create.ts';

/** The parts of the service that the handlers call. */
export interface Context {
  parseAddress: AddressParser;
  recorder: Recorder;
  providers: ProviderRegistry;
  /** The countries that texts may be sent to; null for every country. */
  allowedCountries: readonly string[] | null;
  findMedia: FindMedia;
  findRepliedTo: FindRepliedTo;
  storage: FileStorage;
  unsubscribeLinks: UnsubscribeLinks;
  preview: Preview;
  webhooks: Webhooks;
  manualActions: ManualActions;
  redact: Redact;
  presentMessage: PresentMessage;
  reader: Reader;
  media: Media;
  people: People;
  timelines: Timelines;
  exportParticipant: ExportParticipant;
  erasures: Erasures;
  feed: Feed;
  ledger: Ledger;
  endpoints: Endpoints;
  events: Events;
  /** Throws `UnavailableError` unless the service is ready. */
  assertReady: () => Promise<void>;
  /** The metrics of the service in the text format of Prometheus. */
  readMetrics: () => Promise<string>;
  /** The queue and the accounts of each channel. */
  reportChannels: () => Promise<ChannelReport[]>;
}

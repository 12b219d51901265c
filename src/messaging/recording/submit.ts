import type { UnsubscribeLinks } from '../../consent/unsubscribe-links.ts';
import { type Fault, InvalidRequestError } from '../../errors.ts';
import type { Reserve } from '../../openapi/types.ts';
import { eligibleAccounts, namesOf, refusalOf } from '../../providers/eligibility.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { countryRefusal } from '../country.ts';
import { subjectOfReply } from '../email/content.ts';
import { allFiles, type FileStorage, recordWithFiles } from '../email/new-files.ts';
import type { FindRepliedTo } from '../email/replied-to.ts';
import { linkRefusal, withLink } from '../email/unsubscribe.ts';
import type { FindMedia } from '../named-media.ts';
import type { NewMessage, Recorded } from './new-message.ts';
import type { Recorder } from './record.ts';

/** The rules of the configuration for outbound messages. */
export interface SendRules {
  providers: ProviderRegistry;
  /** The countries that texts may be sent to; null for every country. */
  allowedCountries: readonly string[] | null;
  findMedia: FindMedia;
  findRepliedTo: FindRepliedTo;
  storage: FileStorage;
  unsubscribeLinks: UnsubscribeLinks;
}

/**
 * Records an outbound message for the accounts that can send it. If its files or the configuration refuse the message, a repeated
 * request still returns its first message, because they may have changed since.
 *
 * @param rules with `uploader` of `FindMedia`.
 * @throws {InvalidRequestError} if the message names files that are not stored, or answers an email that does not exist.
 * @throws {CountryNotAllowedError} if a recipient is outside the allowed countries.
 * @throws {NoAccountError} if no account can send the message, or it needs a link to unsubscribe and there are none.
 */
export async function submit(
  recorder: Recorder,
  {
    providers,
    allowedCountries,
    findMedia,
    findRepliedTo,
    storage,
    unsubscribeLinks,
    uploader,
  }: SendRules & { uploader: string | null },
  message: NewMessage,
  reserve: Reserve,
): Promise<Recorded> {
  const accounts = providers[message.channel];
  const named = await findMedia(message.channel, message.storedFiles, uploader);
  const repliedTo = await findRepliedTo(message.repliedTo, uploader);
  const { media } = named;
  const faults = [...named.faults, ...repliedTo.faults, ...subjectFaults(message, uploader)];
  const { hasLinks } = named;
  const routable = { ...message.row, media: allFiles(media, message.newFiles), hasLinks };
  const eligible = eligibleAccounts(accounts, routable);
  const refusal =
    (faults.length > 0 ? new InvalidRequestError(faults) : null) ??
    countryRefusal(message, allowedCountries) ??
    (eligible.length === 0 ? refusalOf(accounts, routable) : null) ??
    linkRefusal(Boolean(message.email?.unsubscribe_key), unsubscribeLinks);
  if (refusal === null) {
    const subject = message.row.subject ?? subjectOfReply(repliedTo.email?.subject ?? null);
    const row = { ...message.row, subject, accounts: namesOf(eligible, accounts) };
    const email = withLink(message.email, row.to[0] as string, unsubscribeLinks);
    return recordWithFiles(recorder, storage, { ...message, media, row, email }, reserve);
  }
  const first = await recorder.findFirst(message, reserve);
  if (first === null) throw refusal;
  return first;
}

/** The default subject of a reply is that of another message, which an API key without the scope `read` must not see. */
export function subjectFaults(
  { repliedTo, row }: Pick<NewMessage, 'repliedTo'> & { row: Pick<NewMessage['row'], 'subject'> },
  uploader: string | null,
): Fault[] {
  if (repliedTo === null || row.subject !== null || uploader === null) return [];
  return [{ path: '/body/subject', message: 'is required, because the API key has no scope read' }];
}

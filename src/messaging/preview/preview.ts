import type pg from 'pg';
import { createLedgerCheck, type SuppressedRecipient } from '../../consent/check.ts';
import type { HashAddress } from '../../consent/key.ts';
import type { Fault } from '../../errors.ts';
import type { Schema } from '../../openapi/types.ts';
import { refusalOf } from '../../providers/eligibility.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Routable } from '../../providers/routable.ts';
import type { AddressParser } from '../address.ts';
import { countryOf, countryRefusal } from '../country.ts';
import { subjectOfReply } from '../email/content.ts';
import { allFiles } from '../email/new-files.ts';
import { linkRefusal } from '../email/unsubscribe.ts';
import type { NamedMedia } from '../named-media.ts';
import { keysOf } from '../recording/address-reader.ts';
import { type OutboundReading, readOutbound, type SendRequest } from '../recording/outbound.ts';
import { type SendRules, subjectFaults } from '../recording/submit.ts';
import {
  applySuppressions,
  type SuppressibleMessage,
  toChecked,
} from '../recording/suppressed-recipients.ts';
import { countSegments, measureText } from '../segments.ts';
import { previewAccounts, unavailableAccounts } from './accounts.ts';
import { nonGsmCharacters } from './characters.ts';

type MessagePreview = Schema<'MessagePreview'>;
type PreviewError = Schema<'PreviewError'>;

/**
 * What a send of a message would do now, by the functions that the send calls.
 *
 * @param uploader as of `FindMedia`.
 * @throws {UnavailableError} if the database is unavailable.
 */
export type Preview = (request: SendRequest, uploader: string | null) => Promise<MessagePreview>;

export interface PreviewOptions extends SendRules {
  pool: pg.Pool;
  parseAddress: AddressParser;
  hashAddress: HashAddress;
}

/** The stored state that decides what a send would do. */
interface State {
  unavailable: ReadonlySet<string>;
  suppressed: SuppressedRecipient[];
  named: NamedMedia;
  repliedTo: { faults: Fault[] };
  /** The subject that a send would give the message; empty without one. */
  subject: string;
}

export function createPreview({ pool, parseAddress, hashAddress, ...rules }: PreviewOptions): Preview {
  const check = createLedgerCheck(pool, hashAddress);
  return async (request, uploader) => {
    const reading = readOutbound(parseAddress, request, { actor: null, traceparent: null });
    const [unavailable, [suppressed = []], named, repliedTo] = await Promise.all([
      unavailableAccounts(pool),
      check([toChecked(suppressible(reading))]),
      rules.findMedia(reading.channel, reading.storedFiles, uploader),
      rules.findRepliedTo(reading.repliedTo, uploader),
    ]);
    const row = { subject: request.subject ?? null };
    const subjects = subjectFaults({ repliedTo: reading.repliedTo, row }, uploader);
    const faults = [...repliedTo.faults, ...subjects];
    // The length of the other subject must not be shown to an API key that must not see it.
    const answered = subjects.length > 0 ? null : subjectOfReply(repliedTo.email?.subject ?? null);
    const subject = row.subject ?? answered ?? '';
    return present(reading, { unavailable, suppressed, named, repliedTo: { faults }, subject }, rules);
  };
}

function present(
  reading: OutboundReading,
  { unavailable, suppressed, named, repliedTo, subject }: State,
  { providers, allowedCountries, unsubscribeLinks }: SendRules,
): MessagePreview {
  const { channel, type, sender, to, cc, bcc } = reading;
  const recipients = [...to, ...cc, ...bcc];
  const routable = routableOf(reading, named);
  const accounts = providers[channel];
  const preview = routable && previewAccounts(accounts, routable, unavailable);
  const errors = [
    ...withCode('invalid_request', [...reading.faults, ...named.faults, ...repliedTo.faults]),
    ...withCode('country_not_allowed', countryRefusal({ channel, recipients }, allowedCountries)?.faults),
    ...(routable && preview?.account === null ? accountErrors(accounts, routable) : []),
    ...withCode('missing_capability', linkRefusal(reading.unsubscribe, unsubscribeLinks)?.faults),
    ...withCode('recipient_suppressed', applySuppressions(suppressible(reading), suppressed).refusal?.faults),
  ];
  return {
    valid: errors.length === 0,
    errors,
    ...{ type, channel },
    from: sender?.key ?? null,
    ...{ to: keysOf(to), cc: keysOf(cc), bcc: keysOf(bcc) },
    recipients: recipients.map(({ path, ...address }, n) => ({
      ...{ address: address.key, path, country: countryOf(address) },
      suppression: suppressed.find(({ index }) => index === n)?.suppressions[0] ?? null,
    })),
    unsubscribe: reading.unsubscribe,
    text: type === 'sms' ? previewText(reading.content.body) : null,
    ...sizesOf(subject, reading),
    account: preview?.account ?? null,
    accounts: preview?.accounts ?? [],
  };
}

/** The message as the ledger checks it; without a valid sender, no entry for one sender stops it. */
function suppressible({
  sender,
  to,
  cc,
  bcc,
  purpose,
  skipSuppressed,
}: OutboundReading): SuppressibleMessage {
  const row = { from: sender?.key ?? '', to: keysOf(to), cc: keysOf(cc), purpose };
  return { recipients: [...to, ...cc, ...bcc], skipSuppressed, row };
}

/** Null if no account can be chosen, because the message has no valid sender or no valid recipient. */
function routableOf(
  { type, sender, to, cc, bcc, content: { body }, urls, newFiles }: OutboundReading,
  { media, hasLinks }: NamedMedia,
): Routable | null {
  if (sender === null || to.length === 0) return null;
  return {
    ...{ type, from: sender.key, to: keysOf(to) },
    cc: cc.length > 0 ? keysOf(cc) : null,
    bcc: bcc.length > 0 ? keysOf(bcc) : null,
    body,
    attachments: urls,
    segments: type === 'sms' ? countSegments(body) : null,
    media: allFiles(media, newFiles),
    hasLinks,
  };
}

function accountErrors(accounts: readonly Provider[], routable: Routable): PreviewError[] {
  const { code, faults } = refusalOf(accounts, routable);
  return withCode(code, faults);
}

function withCode(code: PreviewError['code'], faults: readonly Fault[] = []): PreviewError[] {
  return faults.map((fault) => ({ code, ...fault }));
}

function previewText(body: string): MessagePreview['text'] {
  const measured = measureText(body);
  if (measured === null) return null;
  const { encoding, units, unitsPerSegment, segments } = measured;
  const { characters, replaced } = nonGsmCharacters(body, encoding);
  return {
    encoding,
    characters: [...body].length,
    units,
    units_per_segment: unitsPerSegment,
    segments,
    non_gsm_characters: characters,
    segments_after_replacement: countSegments(replaced) ?? segments,
  };
}

function sizesOf(subject: string, { content: { body, text }, urls }: OutboundReading) {
  const bytes = Buffer.byteLength(body);
  const others = [subject, text ?? '', ...urls].map((part) => Buffer.byteLength(part));
  return { body_bytes: bytes, content_bytes: others.reduce((sum, each) => sum + each, bytes) };
}

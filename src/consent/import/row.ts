import type { Channel } from '../../channel.ts';
import { channelOf, type ParseAddress, parseRecipient, parseSender } from '../address.ts';
import type { HashAddress } from '../key.ts';
import { REASONS, SCOPES } from '../list.ts';
import type { Column, RowError } from './errors.ts';
import type { Header } from './header.ts';

/** A row as `import_suppressions` reads it. */
export interface ImportRow {
  address_hash: string;
  address: string;
  channel: Channel;
  scope: string;
  sender: string | null;
  reason: string;
  note: string | null;
  created_at: string | null;
}

export interface RowOptions {
  parseAddress: ParseAddress;
  hashAddress: HashAddress;
  /** Parses an RFC 3339 time; an error text for an invalid time. */
  parseTime: (text: string) => Date | string;
}

const MAX_NOTE = 500;

/** Reads one row, or returns its first error. An empty field has its default. */
export function readRow(
  { size, positions }: Header,
  fields: string[],
  options: RowOptions,
): ImportRow | RowError {
  if (fields.length !== size) return 'columnCount';
  const field = (column: Column) => fields[positions[column] ?? size]?.trim() ?? '';
  const { parseAddress, hashAddress } = options;
  if (field('address') === '') return 'addressRequired';
  const address = parseRecipient(parseAddress, field('address'));
  if (address === null) return 'addressInvalid';
  const scope = field('scope') || 'all';
  if (!SCOPES.includes(scope)) return 'scopeInvalid';
  const sender = readSender(field('sender'), scope, address, parseAddress);
  if (typeof sender === 'object' && sender !== null) return sender.error;
  const reason = field('reason') || 'manual';
  if (!REASONS.includes(reason)) return 'reasonInvalid';
  // A note stays as it is.
  const note = fields[positions.note ?? size] ?? '';
  // A character beyond the basic plane is two units.
  if (note.length > MAX_NOTE && [...note].length > MAX_NOTE) return 'noteTooLong';
  if (note.includes('\0')) return 'noteInvalid';
  const time = field('created_at') === '' ? null : options.parseTime(field('created_at'));
  if (typeof time === 'string') return 'timeInvalid';
  return {
    ...{ address_hash: hashAddress(address), address, channel: channelOf(address), scope, sender, reason },
    ...{ note: note || null, created_at: time?.toISOString() ?? null },
  };
}

function readSender(
  text: string,
  scope: string,
  address: string,
  parse: ParseAddress,
): string | null | { error: RowError } {
  if (scope !== 'sender') return text === '' ? null : { error: 'senderNotAllowed' };
  if (text === '') return { error: 'senderRequired' };
  return parseSender(parse, text, address) ?? { error: 'senderInvalid' };
}

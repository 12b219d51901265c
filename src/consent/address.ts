import type { Channel } from '../channel.ts';
import { type Fault, InvalidRequestError } from '../errors.ts';
import { restoreInnerPlus } from '../openapi/lost-plus.ts';
import type { Schema } from '../openapi/types.ts';

/** An address as `messaging` normalises it. */
export interface ParsedAddress {
  type: string;
  key: string;
  /** Whether a client may use an address of this form as a sender or recipient. */
  isSendable: boolean;
}

/** Returns null if the text is not exactly one address. */
export type ParseAddress = (text: string) => ParsedAddress | null;

/** The ledger has at most one entry with this key. */
export interface EntryKey {
  address: string;
  scope: Schema<'SuppressionScope'>;
  sender: string | null;
}

export const NOT_AN_ADDRESS = 'must be exactly one phone number, short code or email address';

export function channelOf(address: string): Channel {
  return address.includes('@') ? 'email' : 'sms';
}

/**
 * The normalised address of a recipient; null if the text is none. An alphanumeric sender id, or a number that is cut off, cannot
 * receive messages.
 */
export function parseRecipient(parse: ParseAddress, text: string): string | null {
  const address = parse(text);
  return address?.isSendable && address.type !== 'alphanumeric' ? address.key : null;
}

/** The sender of messages to `address` as the ledger has it; null if the text is no sender of its channel. */
export function parseSender(parse: ParseAddress, text: string, address: string): string | null {
  const sender = parse(text)?.key;
  return sender !== undefined && channelOf(sender) === channelOf(address) ? senderKey(sender) : null;
}

/** The ledger has senders in lower case (also `apply_opt_out`), because the case of a sender id does not count. */
export function senderKey(sender: string): string {
  return sender.toLowerCase();
}

/** @throws {InvalidRequestError} if the text is not exactly one address. */
export function readAddress(parse: ParseAddress, path: string, text: string): string {
  const address = parse(text);
  if (address === null) throw new InvalidRequestError([{ path, message: NOT_AN_ADDRESS }]);
  return address.key;
}

/**
 * The normalised address in a query string, whose plus signs may have been lost.
 *
 * @throws {InvalidRequestError} if the text is not exactly one address.
 */
export function readQueryAddress(parse: ParseAddress, path: string, text: string): string {
  return readAddress(withLostPlus(parse), path, text);
}

function withLostPlus(parse: ParseAddress): ParseAddress {
  return (text) => parse(text) ?? parse(restoreInnerPlus(text));
}

/** The key of an entry in a request, not normalised. */
export interface GivenKey {
  address: string;
  scope: Schema<'SuppressionScope'>;
  sender?: string | undefined;
}

/**
 * Reads the key of a new entry, whose address must be able to receive messages.
 *
 * @throws {InvalidRequestError} with each fault.
 */
export function readNewKey(parse: ParseAddress, given: GivenKey): EntryKey {
  return readKey(parse, given, '/body', (text) => parseRecipient(parse, text));
}

/**
 * Reads the key of an entry.
 *
 * @param part the part of the request with the sender, such as `/body`.
 * @throws {InvalidRequestError} with each fault.
 */
export function readKey(
  parse: ParseAddress,
  given: GivenKey,
  part: string,
  normalise = (text: string) => parse(text)?.key ?? null,
): EntryKey {
  const { scope } = given;
  const address = normalise(given.address);
  const sender =
    given.sender === undefined
      ? null
      : parseSender(part === '/query' ? withLostPlus(parse) : parse, given.sender, address ?? given.address);
  const senderFault = faultOfSender(scope, given.sender, sender);
  const faults: Fault[] = [
    ...(address === null ? [{ path: '/path/address', message: NOT_AN_ADDRESS }] : []),
    ...(senderFault === null ? [] : [{ path: `${part}/sender`, message: senderFault }]),
  ];
  if (address === null || faults.length > 0) throw new InvalidRequestError(faults);
  return { address, scope, sender };
}

function faultOfSender(scope: string, given: string | undefined, sender: string | null): string | null {
  if (scope !== 'sender') return given === undefined ? null : 'is allowed with the scope sender only';
  if (given === undefined) return 'is required with the scope sender';
  return sender === null ? 'must be exactly one sender of the channel of the address' : null;
}

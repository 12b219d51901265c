import type { Channel } from '../../channel.ts';
import type { Fault } from '../../errors.ts';
import { type Address, type AddressParser, type AddressType, isSendable } from '../address.ts';

const CHANNEL_TYPES: Record<Channel, AddressType[]> = {
  sms: ['phone', 'short_code', 'alphanumeric'],
  email: ['email'],
};

export const NOT_AN_ADDRESS = 'must be a phone number (E.164) or an email address';
const NOT_ONE_EMAIL = 'must be exactly one email address, such as ada@example.com or Ada <ada@example.com>';
const NOT_OF_CHANNEL: Record<Channel, string> = {
  sms: 'must be a phone number (E.164)',
  email: 'must be an email address',
};

/** A recipient in a client request. */
export interface RequestedAddress extends Address {
  /** The part of the request, such as `/body/to/1`. */
  path: string;
}

/** Reads the addresses of a client request. Adds a fault for each value that is not exactly one address. */
export interface AddressReader {
  one(path: string, input: string): Address | null;
  /** Reads one or several addresses, in their order and without repeats. */
  many(path: string, input: string | readonly string[] | undefined): RequestedAddress[];
  /** Adds a fault for each address read so far that this channel cannot use. */
  checkChannel(channel: Channel): void;
}

export function readAddresses(parse: AddressParser, faults: Fault[]): AddressReader {
  const read: RequestedAddress[] = [];
  const one = (path: string, input: string): RequestedAddress | null => {
    const address = parse(input);
    if (address === null || !isSendable(address) || !isAllowedAt(path, address)) {
      faults.push({ path, message: input.includes('@') ? NOT_ONE_EMAIL : NOT_AN_ADDRESS });
      return null;
    }
    const requested = { ...address, path };
    read.push(requested);
    return requested;
  };
  return {
    one,
    many: (path, input) => {
      if (input === undefined) return [];
      const addresses =
        typeof input === 'string'
          ? [one(path, input)]
          : input.map((item, index) => one(`${path}/${index}`, item));
      return addresses.filter((address) => address !== null).filter(isFirst());
    },
    checkChannel: (channel) => {
      for (const { path, type } of read)
        if (!CHANNEL_TYPES[channel].includes(type)) faults.push({ path, message: NOT_OF_CHANNEL[channel] });
    },
  };
}

/** An alphanumeric sender id cannot receive messages. */
function isAllowedAt(path: string, { type }: Address): boolean {
  return type !== 'alphanumeric' || path === '/body/from';
}

/** Returns a filter that keeps the first occurrence of each address. */
function isFirst() {
  const found = new Set<string>();
  return ({ key }: Address) => !found.has(key) && Boolean(found.add(key));
}

/** Removes repeated recipients, in the order to, cc, bcc. The sender can be a recipient, for example of a blind copy. */
export function foldRecipients<A extends Address>({
  to,
  cc,
  bcc,
}: Record<'to' | 'cc' | 'bcc', A[]>): Record<'to' | 'cc' | 'bcc', A[]> {
  const isNew = isFirst();
  return { to: to.filter(isNew), cc: cc.filter(isNew), bcc: bcc.filter(isNew) };
}

export function keysOf(addresses: Address[]): string[] {
  return addresses.map(({ key }) => key);
}

import type { Channel } from '../config.ts';
import type { Fault } from '../errors.ts';
import type { Address, AddressKind } from './address.ts';

const CHANNEL_KINDS: Record<Channel, AddressKind[]> = {
  sms: ['phone', 'short_code', 'alphanumeric'],
  email: ['email'],
};

/** Reads the addresses of one request, collecting what is wrong with them. */
export interface AddressReader {
  one(path: string, input: string): Address | null;
  /** One address or several; repeats are folded, in the order given. */
  many(path: string, input: string | readonly string[] | undefined): Address[];
  /** Adds a fault for each address read so far that this channel cannot use. */
  checkChannel(channel: Channel): void;
}

export function readAddresses(parse: (input: string) => Address | null, faults: Fault[]): AddressReader {
  const read: { path: string; address: Address }[] = [];
  const one = (path: string, input: string) => {
    const address = parse(input);
    if (address) read.push({ path, address });
    else faults.push({ path, message: 'is neither a phone number nor an email address' });
    return address;
  };
  return {
    one,
    many: (path, input) => {
      if (input === undefined) return [];
      const addresses =
        typeof input === 'string'
          ? [one(path, input)]
          : input.map((item, index) => one(`${path}/${index}`, item));
      return distinct(addresses.filter((address) => address !== null));
    },
    checkChannel: (channel) => {
      for (const { path, address } of read) {
        if (!CHANNEL_KINDS[channel].includes(address.kind)) {
          faults.push({
            path,
            message: channel === 'sms' ? 'is not a phone number' : 'is not an email address',
          });
        } else if (address.kind === 'alphanumeric' && !path.startsWith('/body/from')) {
          faults.push({ path, message: 'cannot receive messages: it is an alphanumeric sender id' });
        }
      }
    },
  };
}

function distinct(addresses: Address[]): Address[] {
  const seen = new Set<string>();
  return addresses.filter(({ key }) => !seen.has(key) && seen.add(key));
}

/**
 * Each recipient once, where it stands first, and none that is the sender: to, then cc, then bcc. Only who writes to
 * nobody else writes to itself.
 */
export function foldRecipients(
  sender: Address | null,
  { to, cc, bcc }: Record<'to' | 'cc' | 'bcc', Address[]>,
): Record<'to' | 'cc' | 'bcc', Address[]> {
  const seen = new Set([sender?.key]);
  const fold = (addresses: Address[]) => addresses.filter(({ key }) => !seen.has(key) && seen.add(key));
  const folded = { to: fold(to), cc: fold(cc), bcc: fold(bcc) };
  return folded.to.length > 0 ? folded : { ...folded, to };
}

export function wireOf(addresses: Address[]): string[] {
  return addresses.map((address) => address.wire);
}

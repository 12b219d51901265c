import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ReturnType<typeof ipaddr.process>;
type Range = [Address, number];

/** The only IPv6 addresses of the public internet (RFC 4291, section 2.4). */
const GLOBAL = ipaddr.IPv6.parseCIDR('2000::/3');
/** The metadata server of Azure has a public address. */
const AZURE_METADATA = '168.63.129.16';

/** The hosts that the service may call: every public address, and the names, addresses and ranges of `ALLOWED_PRIVATE_HOSTS`. */
export class AddressPolicy {
  readonly #names: ReadonlySet<string>;
  readonly #ranges: readonly Range[];

  /** @param entries names of hosts in lower case, IP addresses, and ranges in CIDR notation. */
  constructor(entries: readonly string[]) {
    const isRange = (entry: string) => isIP(entry.split('/', 1)[0] as string) !== 0;
    this.#names = new Set(entries.filter((entry) => !isRange(entry)));
    this.#ranges = entries.filter(isRange).map(parseRange);
  }

  /** Whether an address range is named, so that the address of any host can be allowed. */
  get hasRanges(): boolean {
    return this.#ranges.length > 0;
  }

  /** Whether the host is named, so that it may have any address. */
  isNamed(host: string): boolean {
    return this.#names.has(host.toLowerCase().replace(/\.$/, ''));
  }

  /** Whether an address, also a public address, is named by itself or by a range. */
  isNamedAddress(text: string): boolean {
    const address = parse(text);
    return address !== null && this.#isInRange(address);
  }

  /** Whether an address is public or named. */
  allows(text: string): boolean {
    const address = parse(text);
    return address !== null && (isPublic(address) || this.#isInRange(address));
  }

  #isInRange(address: Address): boolean {
    return this.#ranges.some(
      ([start, bits]) => start.kind() === address.kind() && address.match(start, bits),
    );
  }
}

function parseRange(entry: string): Range {
  const [text = '', bits] = entry.split('/');
  const start = ipaddr.process(text);
  const own = start.kind() === 'ipv4' ? 32 : 128;
  return [start, bits === undefined ? own : Number(bits)];
}

/** IPv4 addresses that are mapped to IPv6 count as IPv4 addresses. */
function parse(text: string): Address | null {
  return isIP(text) === 0 ? null : ipaddr.process(text);
}

/**
 * Whether an address is of the public internet: not private, loopback, link-local, shared (CGNAT), unspecified, multicast,
 * reserved, or IPv6 with an embedded IPv4 address (NAT64, 6to4, Teredo, IPv4-compatible), which can lead to a private address.
 */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || address.toString() === AZURE_METADATA) return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL);
}

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import type { AddressPolicy } from './address-policy.ts';

/** A host has an address that may not be called. */
export class AddressNotAllowedError extends Error {
  readonly code = 'ADDRESS_NOT_ALLOWED';

  constructor(host: string, address: string, protocol: string) {
    const subject = host === address ? host : `${host} (${address})`;
    const rule = protocol === 'https:' ? 'is not a public address' : 'can only be called by https';
    super(`${subject} ${rule}, and ALLOWED_PRIVATE_HOSTS does not name it.`);
  }
}

const lookupAll = promisify(systemLookup);
/** Answers of the DNS after which the system's own sources, such as /etc/hosts, are asked. */
const NO_ANSWER = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED']);
const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;

/** Finds the addresses of foreign hosts, and refuses addresses that the policy does not allow. */
export class FilteredLookup {
  readonly #policy: AddressPolicy;
  readonly #dnsServers: readonly string[] | undefined;

  /** @param dnsServers in place of the DNS servers of the system. */
  constructor(policy: AddressPolicy, dnsServers?: readonly string[]) {
    this.#policy = policy;
    this.#dnsServers = dnsServers;
  }

  /**
   * The look-up for connections to a URL, which checks the addresses of every new connection.
   *
   * @throws {AddressNotAllowedError} if the host is an address that is not allowed: such a host is not looked up.
   */
  for(url: URL): LookupFunction {
    const host = hostOf(url);
    if (!this.#policy.isNamed(host) && isIP(host) !== 0) this.#assertAllowed(host, host, url.protocol);
    return (hostname, options, callback) => {
      this.#find(hostname, url.protocol, options).then(
        (addresses) => {
          const [first] = addresses as [LookupAddress];
          if (options.all) callback(null, addresses);
          else callback(null, first.address, first.family);
        },
        (error) => callback(error, ''),
      );
    };
  }

  async #find(host: string, protocol: string, options: LookupOptions): Promise<LookupAddress[]> {
    if (this.#policy.isNamed(host)) return lookupAll(host, { ...options, all: true });
    const addresses = await this.#resolve(host, options);
    for (const { address } of addresses) this.#assertAllowed(host, address, protocol);
    return addresses;
  }

  /**
   * Asks the DNS without the threads of getaddrinfo, which the whole process shares: a name server that does not respond must
   * not delay the look-ups of others.
   */
  async #resolve(host: string, options: LookupOptions): Promise<LookupAddress[]> {
    // A new resolver has the present name servers of the system.
    const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
    if (this.#dnsServers) resolver.setServers(this.#dnsServers);
    const results = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    if (addresses.length > 0) return addresses.map((address) => ({ address, family: isIP(address) }));
    const failure = results.find(
      (result) => result.status === 'rejected' && !NO_ANSWER.has(result.reason.code),
    ) as PromiseRejectedResult | undefined;
    if (failure) throw failure.reason;
    return lookupAll(host, { ...options, all: true });
  }

  /** Plain http is for named addresses only. */
  #assertAllowed(host: string, address: string, protocol: string): void {
    const isAllowed =
      protocol === 'https:' ? this.#policy.allows(address) : this.#policy.isNamedAddress(address);
    if (!isAllowed) throw new AddressNotAllowedError(host, address, protocol);
  }
}

/** The name or the address of a URL, an IPv6 address without brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

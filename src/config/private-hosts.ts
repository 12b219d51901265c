import { isIP } from 'node:net';
import { EnvError, makeValidator } from 'envalid';
import ipaddr from 'ipaddr.js';
import { list } from './values.ts';

const FORM = 'a host name, an IP address or a range such as 10.0.0.0/8';

/** Entries of `ALLOWED_PRIVATE_HOSTS`, in lower case: names of hosts, IP addresses, and ranges in CIDR notation. */
export const privateHosts = makeValidator((input) =>
  list()
    ._parse(input)
    .map((entry) => {
      const normal = isIP(entry.split('/', 1)[0] as string) !== 0 ? rangeOf(entry) : nameOf(entry);
      if (normal === null) throw new EnvError(`"${entry}" is not ${FORM}`);
      return normal;
    }),
);

/** A range of IPv4 addresses has the notation of IPv4: the bits of `::ffff:10.0.0.0/104` are not those of an IPv4 address. */
function rangeOf(entry: string): string | null {
  const [address = '', bits, ...others] = entry.split('/');
  if (bits !== undefined && isIP(address) === 6 && ipaddr.process(address).kind() === 'ipv4') return null;
  const most = isIP(address) === 4 ? 32 : 128;
  const isValid = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  return isValid && others.length === 0 && !address.includes('%') ? entry.toLowerCase() : null;
}

/** The name as a URL has it. A name of digits, or with a port, is not a name. */
function nameOf(entry: string): string | null {
  const hostname = URL.parse(`http://${entry}`)?.hostname;
  return hostname === entry.toLowerCase() && /^[a-z0-9_.-]+$/.test(hostname)
    ? hostname.replace(/\.$/, '')
    : null;
}

import type { Fault } from '../../errors.ts';
import type { AddressParser } from '../address.ts';
import { parseDisplayName } from '../email-address.ts';
import { headerTextFault } from './rules.ts';

/** The addresses of an email that its headers show. */
export interface VisibleAddresses {
  from: string;
  to: string | readonly string[];
  cc?: readonly string[] | undefined;
  reply_to?: string | undefined;
}

/**
 * The display names that a request gives its addresses, such as that of `Ada <ada@example.com>`, by the normalised address. The
 * first name of an address counts. Null if there is none.
 */
export function displayNames(
  parse: AddressParser,
  { from, to, cc = [], reply_to }: VisibleAddresses,
  faults: Fault[],
): Record<string, string> | null {
  const names = new Map<string, string>();
  const read = (path: string, text: string) => {
    const address = parse(text)?.key;
    if (address === undefined || names.has(address)) return;
    const name = parseDisplayName(text);
    faults.push(...headerTextFault(path, `${name ?? ''} ${address}`));
    if (name === null || name.toLowerCase() === address) return;
    names.set(address, name);
  };
  const readAll = (path: string, texts: readonly string[]) => {
    for (const [index, text] of texts.entries()) read(`${path}/${index}`, text);
  };
  read('/body/from', from);
  if (typeof to === 'string') read('/body/to', to);
  else readAll('/body/to', to);
  readAll('/body/cc', cc);
  if (reply_to !== undefined) read('/body/reply_to', reply_to);
  return names.size > 0 ? Object.fromEntries(names) : null;
}

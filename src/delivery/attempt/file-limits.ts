import type { Provider } from '../../providers/provider.ts';

type Account = Pick<Provider, 'name'> & { capabilities: Pick<Provider['capabilities'], 'maxMediaBytes'> };

/** The limits of the files of a message, in bytes. */
export interface FileLimits {
  /** Of the account that sends the message. */
  maxBytes: number;
  /** The largest limit of the accounts that can send the message. */
  maxFetchedBytes: number;
}

/** Where the provider has no limit of its own. */
const MAX_BYTES = 25 * 1_048_576;

/** @param eligible the accounts that can send the message, as far as its files are known. */
export function limitsOf(account: Pick<Account, 'capabilities'>, eligible: readonly Account[]): FileLimits {
  const maxBytes = maxBytesOf(account);
  return { maxBytes, maxFetchedBytes: Math.max(maxBytes, ...eligible.map(maxBytesOf)) };
}

/** The first account with a larger limit than this account, in the configured order; null for none. */
export function largerAccount(account: Account, eligible: readonly Account[]): string | null {
  return eligible.find((other) => maxBytesOf(other) > maxBytesOf(account))?.name ?? null;
}

function maxBytesOf({ capabilities }: Pick<Account, 'capabilities'>): number {
  return capabilities.maxMediaBytes ?? MAX_BYTES;
}

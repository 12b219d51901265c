import { NoAccountError } from '../refusals.ts';
import { hasCapabilitiesOf, missingCapabilities } from './missing-capabilities.ts';
import type { Provider } from './provider.ts';
import type { Routable } from './routable.ts';

type Account = Pick<Provider, 'name' | 'kind' | 'channel' | 'senders' | 'capabilities'>;

/** The accounts that have the sender of a message and every capability that it needs, in the configured order. */
export function eligibleAccounts<A extends Account>(accounts: readonly A[], message: Routable): A[] {
  return accounts.filter(
    (account) =>
      hasSender(account, message.from) && missingCapabilities(account.capabilities, message).length === 0,
  );
}

/** The names of the eligible accounts as they are stored with a message; null if every account of the channel can send it. */
export function namesOf(eligible: readonly Account[], accounts: readonly Account[]): string[] | null {
  return eligible.length === accounts.length ? null : eligible.map(({ name }) => name);
}

/** @param sender normalised: an address, or a domain of `senders`. */
export function hasSender({ senders }: Pick<Account, 'senders'>, sender: string): boolean {
  if (senders === null) return true;
  const key = sender.toLowerCase();
  return senders.has(key) || (key.includes('@') && senders.has(key.slice(key.lastIndexOf('@') + 1)));
}

/**
 * Whether the other accounts can send every message of an account: each of its senders is a sender of another account that has
 * all of its capabilities.
 */
export function isCovered(
  { senders, capabilities }: Pick<Account, 'senders' | 'capabilities'>,
  others: readonly Pick<Account, 'senders' | 'capabilities'>[],
): boolean {
  const capable = others.filter((other) => hasCapabilitiesOf(other.capabilities, capabilities));
  if (capable.some((other) => other.senders === null)) return true;
  if (senders === null || capable.length === 0) return false;
  return [...senders].every((sender) => capable.some((other) => hasSender(other, sender)));
}

/** Why no account can send a message: each account lacks its sender or a capability that the message needs. */
export function refusalOf(accounts: readonly Account[], message: Routable): NoAccountError {
  const channel = accounts[0]?.channel;
  const { from } = message;
  const withSender = accounts.filter((account) => hasSender(account, from));
  if (withSender.length === 0) {
    const rule = `is not a sender of any ${channel} account; <NAME>_SENDERS lists the senders of each account`;
    return new NoAccountError('no_provider_for_sender', `No ${channel} account has the sender ${from}.`, [
      { path: '/body/from', message: rule },
    ]);
  }
  const missing = withSender.flatMap(({ name, kind, capabilities }) =>
    missingCapabilities(capabilities, message).map((one) => ({ ...one, account: `${name} (kind ${kind})` })),
  );
  return new NoAccountError(
    'missing_capability',
    `No ${channel} account with the sender ${from} can send this message: ` +
      `${missing.map(({ account, limit }) => `${account} ${limit}`).join(', ')}.`,
    missing.map(({ path, need, account, limit, alternative }) => ({
      path,
      message: `${need}, but ${account} ${limit}; ${alternative}`,
    })),
  );
}

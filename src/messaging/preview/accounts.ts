import type pg from 'pg';
import { execute } from '../../db/transaction.ts';
import type { Schema } from '../../openapi/types.ts';
import { eligibleAccounts, refusalOf } from '../../providers/eligibility.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Routable } from '../../providers/routable.ts';

/** Each account of a channel for a message, and the account that gets it first; null if no account can send it. */
export interface AccountPreview {
  account: Schema<'PreviewChoice'> | null;
  accounts: Schema<'PreviewAccount'>[];
}

/** @param unavailable the names of the accounts whose breaker is not closed. */
export function previewAccounts(
  accounts: readonly Provider[],
  message: Routable,
  unavailable: ReadonlySet<string>,
): AccountPreview {
  const eligible = eligibleAccounts(accounts, message);
  return {
    account: chooseAccount(eligible, unavailable),
    accounts: accounts.map((account) => {
      const isEligible = eligible.includes(account);
      return {
        name: account.name,
        kind: account.kind,
        eligible: isEligible,
        available: !unavailable.has(account.name),
        reasons: isEligible ? [] : refusalOf([account], message).faults,
      };
    }),
  };
}

/** As the claims of the workers choose (`routesOf` in delivery/accounts/routing.ts). */
function chooseAccount(
  eligible: readonly Provider[],
  unavailable: ReadonlySet<string>,
): Schema<'PreviewChoice'> | null {
  const [first] = eligible;
  if (first === undefined) return null;
  const order = `in the order of ${first.channel.toUpperCase()}_PROVIDERS`;
  const available = eligible.find(({ name }) => !unavailable.has(name));
  if (available === undefined)
    return {
      name: first.name,
      reason: `the first account, ${order}, that can send the message; none of them is available now, so the message waits`,
    };
  const which = available === first ? 'first account' : 'first available account';
  return { name: available.name, reason: `the ${which}, ${order}, that can send the message` };
}

const READ = { name: 'unavailable-accounts', text: 'select name from unavailable_providers' };

/** The names of the accounts that the worker of any process has reported as unavailable (`record_provider_state.sql`). */
export async function unavailableAccounts(pool: pg.Pool): Promise<ReadonlySet<string>> {
  const { rows } = await execute<{ name: string }>(pool, READ, []);
  return new Set(rows.map(({ name }) => name));
}

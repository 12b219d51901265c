import type { Reserve } from '../../openapi/types.ts';
import { eligibleAccounts, namesOf, refusalOf } from '../../providers/eligibility.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import { countryRefusal } from '../country.ts';
import type { NewMessage, Recorded } from './new-message.ts';
import type { Recorder } from './record.ts';

/** The rules of the configuration for outbound messages. */
export interface SendRules {
  providers: ProviderRegistry;
  /** The countries that texts may be sent to; null for every country. */
  allowedCountries: readonly string[] | null;
}

/**
 * Records an outbound message for the accounts that can send it. If the configuration refuses the message, a repeated request
 * still returns its first message, because the configuration may have changed since.
 *
 * @throws {CountryNotAllowedError} if a recipient is outside the allowed countries.
 * @throws {NoAccountError} if no account can send the message.
 */
export async function submit(
  recorder: Recorder,
  { providers, allowedCountries }: SendRules,
  message: NewMessage,
  reserve: Reserve,
): Promise<Recorded> {
  const accounts = providers[message.channel];
  const eligible = eligibleAccounts(accounts, message.row);
  const refusal =
    countryRefusal(message, allowedCountries) ??
    (eligible.length === 0 ? refusalOf(accounts, message.row) : null);
  if (refusal === null) {
    const row = { ...message.row, accounts: namesOf(eligible, accounts) };
    return recorder.record({ ...message, row }, reserve);
  }
  const first = await recorder.findFirst(message, reserve);
  if (first === null) throw refusal;
  return first;
}

import type { Reserve } from '../../openapi/types.ts';
import { eligibleAccounts, namesOf, refusalOf } from '../../providers/eligibility.ts';
import type { ProviderRegistry } from '../../providers/registry.ts';
import type { NewMessage, Recorded } from './new-message.ts';
import type { Recorder } from './record.ts';

/**
 * Records an outbound message for the accounts that can send it. If no account can, a repeated request still returns its first
 * message, because the accounts may have changed since.
 *
 * @throws {NoAccountError} if no account can send the message.
 */
export async function submit(
  recorder: Recorder,
  providers: ProviderRegistry,
  message: NewMessage,
  reserve: Reserve,
): Promise<Recorded> {
  const accounts = providers[message.channel];
  const eligible = eligibleAccounts(accounts, message.row);
  if (eligible.length > 0) {
    const row = { ...message.row, accounts: namesOf(eligible, accounts) };
    return recorder.record({ ...message, row }, reserve);
  }
  const first = await recorder.findFirst(message, reserve);
  if (first === null) throw refusalOf(accounts, message.row);
  return first;
}

import { prefixOf } from '../../config/safety.ts';
import type { AccountCheck, FailedOutcome } from '../provider.ts';
import { isOfTls } from './failure.ts';

interface CheckedAccount {
  name: string;
  /** The variables of the credentials, without the prefix of the account. */
  credentials: readonly string[];
}

/**
 * The result of a check whose request failed, with the variables that can be the cause. A failure that may be gone in a minute is
 * a warning.
 */
export function failedCheck(what: string, failure: FailedOutcome, account: CheckedAccount): AccountCheck {
  const { outcome, httpStatus, code, detail } = failure;
  const isTemporary = outcome === 'throttled' || outcome === 'rejected' || httpStatus !== null;
  const status = httpStatus === null ? '' : `HTTP ${httpStatus}, `;
  const isFault = outcome === 'unavailable' || !isTemporary;
  const result = isFault ? 'fault' : 'warning';
  return { result, text: `${what}: ${detail} (${status}${code})${remedyFor(failure, account)}` };
}

function remedyFor({ httpStatus, code }: FailedOutcome, { name, credentials }: CheckedAccount): string {
  const url = variablesOf(name, ['URL']);
  if (httpStatus === null && isOfTls(code)) return `. Correct ${url} or the certificate`;
  if (httpStatus === null)
    return `. This machine cannot reach the provider: check the network connection and ${url}`;
  if (httpStatus === 401 || httpStatus === 403) return `. Correct ${variablesOf(name, credentials)}`;
  const isOfUrl = httpStatus === 404 || httpStatus === 405 || (httpStatus >= 300 && httpStatus < 400);
  return isOfUrl ? `. Correct ${url}` : '';
}

/** The variables of an account, as one phrase. */
export function variablesOf(account: string, settings: readonly string[]): string {
  return settings.map((setting) => `${prefixOf(account)}_${setting}`).join(' or ');
}

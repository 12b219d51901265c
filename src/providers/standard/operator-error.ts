import type { SendOutcome } from '../provider.ts';
import { meaningOfStatus } from './status-outcomes.ts';

/** Error codes of OpenSSL and Node for certificates, TLS and host names. */
const CONFIGURATION =
  /^(?:err_tls|err_ssl|eproto|enotfound|cert_|crl_|depth_zero|self_signed|unable_to_(?:get|verify|decrypt|decode)|hostname_mismatch|invalid_(?:ca|purpose))/;

/**
 * Whether the outcome is an operator error: the credentials, the credit, the URL or a certificate is wrong, so every message
 * fails in the same way until the operator acts.
 */
export function isOperatorError(outcome: SendOutcome): boolean {
  if (outcome.outcome !== 'unavailable') return false;
  const { httpStatus, code } = outcome;
  return httpStatus === null ? CONFIGURATION.test(code) : !meaningOfStatus(httpStatus).transient;
}

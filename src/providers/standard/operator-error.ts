import type { SendOutcome } from '../provider.ts';
import { meaningOfStatus } from './status-outcomes.ts';

/** Certificates (OpenSSL's codes and Node's) and host names. */
const CONFIGURATION =
  /^(?:err_tls|err_ssl|eproto|enotfound|cert_|crl_|depth_zero|self_signed|unable_to_(?:get|verify|decrypt|decode)|hostname_mismatch|invalid_(?:ca|purpose))/;

/**
 * Whether the operator has to act: the credentials, the credit, the URL or a certificate is wrong, so that every
 * message fails in the same way until then.
 */
export function isOperatorError(outcome: SendOutcome): boolean {
  if (outcome.outcome !== 'unavailable') return false;
  const { httpStatus, code } = outcome;
  return httpStatus === null ? CONFIGURATION.test(code) : !meaningOfStatus(httpStatus).transient;
}
